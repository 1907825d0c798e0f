"""The guard of a stack that promotes from another one: no change of a table or index without its attestation."""

from __future__ import annotations

import threading

import pulumi

from schema.clock import at_present
from schema.errors import ToolError
from schema.model import Schema
from stack.file.config import StackConfig
from stack.ledger.ledger import Ledger
from stack.promotion.requiring import required


class Promotion:
    """Asks the other stack once, when something is about to change. In a preview a refusal is `only_told`."""

    def __init__(self, schema: Schema, config: StackConfig, ledger: Ledger, *, only_told: bool) -> None:
        self._schema = schema
        self._config = config
        self._ledger = ledger
        self._only_told = only_told
        self._lock = threading.Lock()
        self._asked = False
        self._refusal: ToolError | None = None

    def require(self) -> None:
        """Raises Refused or Waiting where the attestation is missing, or another one; in a preview it warns."""
        if self._config.settings.promotes_from is None:
            return
        with self._lock:
            if not self._asked:
                self._refusal = self._ask()
                self._asked = True
                if self._refusal is not None and self._only_told:
                    pulumi.log.warn(f"An `up` would be refused. {self._refusal}")
        if self._refusal is not None and not self._only_told:
            raise self._refusal

    def _ask(self) -> ToolError | None:
        try:
            found = required(self._config, self._schema, self._ledger.proofs(), at_present())
            if found is not None:
                found.refuse(self._config)
        except ToolError as refusal:
            return refusal
        return None
