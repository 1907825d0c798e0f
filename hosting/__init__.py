"""What a CI job on GitHub needs besides the tasks that a person runs: outputs, a comment, a check run, an issue.

Speaks GitHub's REST and GraphQL API. Holds nothing about tables or stacks.

May import: schema.
"""
