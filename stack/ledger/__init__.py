"""The ledger: what has been proven and done, who is at work, and every kind of record in it.

`records.py` lists the records.

May import: schema, dynamo, stack.file, stack.
"""
