"""What is known of one stack: its settings, its live tables, Pulumi's state of it, and what has been proven.

Reads AWS, and writes only the ledger and the stack file.

May import: schema, dynamo.
"""
