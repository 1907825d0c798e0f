"""What should exist: the schema model, the rules of backfills, and what a project hands to the tool.

Knows no AWS, no Pulumi and no table of anybody's.

May import: nothing of the project.
"""
