"""Alarms as CloudWatch evaluates them, for moto, which never does: their states, and the metric math that they use.

May import: local, stack.
"""
