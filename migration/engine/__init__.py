"""What is known of Pulumi's engine without running it: its versions and its words.

The engine itself, which runs it, is in `migration/session/`.

May import: schema, stack.
"""
