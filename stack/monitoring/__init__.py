"""The alarms and the dashboard, as data, and what CloudWatch says.

`components` declares them; gates read what they say.

May import: schema, stack.file, stack.world, stack.
"""
