"""The local stack: a moto server as a background process, what AWS does around it, and a stand-in aws plugin.

Also DynamoDB Local, for tests and benchmarks.

May import: schema, stack.
"""
