"""Markdown for a comment on a pull request, as GitHub and GitLab show it. Decides nothing.

`escaping.py` lets no text from outside be more than a text; `change.py` writes the change document, and `sections.py`
its folded parts.

May import: migration, stack.
"""
