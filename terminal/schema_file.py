"""The schema as a person wrote it: what is wrong with it is one clear error, before anything uses it."""

from __future__ import annotations

import importlib
import traceback

from backfills import BACKFILLS
from schema.errors import UsageError
from schema.model import Schema

MODULE, NAME = "sitelogix.tables", "SITELOGIX"
FILE = f"{MODULE.replace('.', '/')}.py"


def check_schema() -> None:
    """Reads the schema and holds it against the backfills. Raises UsageError."""
    try:
        schema = getattr(importlib.import_module(MODULE), NAME)
    except Exception as error:  # noqa: BLE001  # the file is code: it may fail in any way
        raise _wrong(error) from None
    if not isinstance(schema, Schema):
        raise _wrong(TypeError(f"{NAME} is no Schema"))
    for table in schema:
        backfill = BACKFILLS.get(table.name)
        rules = set(backfill.attributes) if backfill else set[str]()
        if rules != set(table.backfilled):
            raise UsageError(
                f"The schema is wrong: {table.name} does not backfill what its rules in backfills/ fill.",
                f"The schema: {', '.join(table.backfilled) or 'nothing'}; the rules: {', '.join(rules) or 'nothing'}.",
                f"Correct {FILE}, or the rules, and run again.",
            )


def _wrong(error: Exception) -> UsageError:
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.endswith(FILE):
            line = frame.lineno
    where = f"{FILE}, line {line}" if line else FILE
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return UsageError(
        f"The schema is wrong: {message}.", f"{type(error).__name__} in {where}.", f"Correct {FILE} and run again."
    )
