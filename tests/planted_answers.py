"""A proxy in front of an emulator that answers chosen operations as AWS, networks and wrong addresses do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from urllib.parse import parse_qs

from tests.fault_proxy import FaultProxy


@dataclass(frozen=True)
class Planted:
    """An answer; without a `body` there never is one."""

    status: int = 200
    body: str | None = None

    @staticmethod
    def error(code: str, status: int = 400) -> Planted:
        """What DynamoDB answers with an error of that code."""
        document = f'{{"__type": "com.amazon.coral.service#{code}", "message": "This is planted."}}'
        return Planted(status, document)

    @staticmethod
    def sts_error(code: str) -> Planted:
        """What STS, which speaks XML, answers with an error of that code."""
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>This is planted.</Message></Error>"
        return Planted(403, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>")


class PlantedAnswers(FaultProxy):
    """Forwards to `endpoint` but for the operations of `answers`; an operation `*` stands for every other one."""

    def __init__(self, endpoint: str, answers: Mapping[str, Planted]) -> None:
        super().__init__(endpoint, rate=0)
        self._answers = answers
        self._over = threading.Event()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        super().__exit__(kind, error, trace)

    def _handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        target = handler.headers["X-Amz-Target"]
        operation = target.rpartition(".")[2] if target else parse_qs(body.decode())["Action"][0]
        planted = self._answers.get(operation) or self._answers.get("*")
        if planted is None:
            super()._handle(handler, body)
        elif planted.body is None:
            self._over.wait()
            self._reset(handler)
        else:
            self._answer(handler, planted.status, planted.body.encode(), {})
