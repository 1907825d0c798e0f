"""The SiteLogix project: its six tables, the rules of their backfills, and the data set of its local stack.

Nothing else knows a SiteLogix name.

May import: schema.
"""
