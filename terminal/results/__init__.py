"""What tasks return: each result has a document for a program and a text for a person.

Decides nothing.

May import: schema, stack, backfills, hosting, loadtest, migration, terminal, terminal.markdown.
"""
