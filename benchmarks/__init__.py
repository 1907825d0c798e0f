"""Measurements of what the tool promises, ratios side by side in one run. Never part of the tests."""
