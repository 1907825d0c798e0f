"""Alarms as CloudWatch evaluates them, for moto, which never does: their states, their
history, and the metric math that they use.

May import: schema, local, stack.
"""
