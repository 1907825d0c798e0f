"""What is known of Pulumi's engine without running it: its versions, its words, and how it is ended.

The engine itself, which runs it, is in `migration/session/`.

May import: schema, stack.
"""
