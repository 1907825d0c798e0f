"""The stack file `Pulumi.<stack>.yaml`: reading and checking it, and writing an approval into it.

Calls no AWS itself: it asks the Pulumi CLI.

May import: schema.
"""
