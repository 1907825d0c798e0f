"""The load test: production-like requests at a rate that does not wait for answers, measured and judged.

`driving.py` sends them; what is written is noted before, and removed afterwards (`cleaning.py`).

May import: schema, dynamo, stack.
"""
