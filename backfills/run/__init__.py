"""Whole backfills: passes over a table, dry runs, checks and rollbacks, and what stops them.

Imports the rest of `backfills` but the rules.
"""
