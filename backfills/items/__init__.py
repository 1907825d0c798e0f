"""One item of a backfill: which items need work, the change that each of them needs, and how it is written.

Imports `dynamo` and `schema` only.
"""
