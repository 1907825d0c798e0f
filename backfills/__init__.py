"""The engine that fills live items. The rules that it applies stand with a project's tables: a `Table` carries them."""
