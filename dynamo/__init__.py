"""How to talk to DynamoDB: error codes, retries, pace, the one segmented reader, expressions, key rules, unit sizes.

Knows no stack and no table of anybody's.

May import: schema.
"""
