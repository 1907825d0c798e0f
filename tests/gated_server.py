"""A local AWS whose answers a test holds back, and to which it denies writing."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.serving import make_server

from local.emulation import Application, StartResponse
from tests.limits import EXPECTED

_READS = ("Batch", "Describe", "Get", "List", "Query", "Scan")
"""What the names of DynamoDB's reading operations begin with; BatchWriteItem and BatchExecuteStatement are none."""


Holding = Callable[[str, bytes], bool]


def nothing(operation: str, body: bytes) -> bool:
    """Nothing is held back."""
    return False


def creation_of_an_index(operation: str, body: bytes) -> bool:
    """The request that creates an index of a table."""
    return operation == "UpdateTable" and b'"Create"' in body


class Gate:
    """Middleware around a local AWS. It holds back the first answer of those that it is told to hold, and then
    `reached` is set: AWS has done what was asked. While `read_only`, whatever writes is denied; `denied` names
    it."""

    def __init__(self, served: Application) -> None:
        self._holding: Holding = nothing
        self.read_only = False
        self.reached = threading.Event()
        self.denied: list[str] = []
        self._served = served
        self._let_go = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if self.read_only and _writes(environ, operation):
            self.denied.append(operation or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            return _deny(environ, start_response)
        answer = self._served(environ, start_response)
        if operation and self._holding(operation, body):
            answer = list(answer)
            self._holding = nothing
            self.reached.set()
            self._let_go.wait(EXPECTED)
        return answer

    def hold(self, holding: Holding) -> None:
        """Holds that back from now on."""
        self.reached.clear()
        self._let_go.clear()
        self._holding = holding

    def open(self) -> None:
        """Holds nothing back any more."""
        self._holding = nothing
        self._let_go.set()


@contextmanager
def gated(served: Application) -> Iterator[tuple[Gate, str]]:
    """A gate before that application, and the URL on which it answers."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    gate = Gate(served)
    server = make_server("127.0.0.1", 0, gate, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gate, f"http://127.0.0.1:{server.server_port}"
    finally:
        gate.open()
        server.shutdown()
        thread.join()


def _writes(environ: dict[str, Any], operation: str) -> bool:
    if operation:
        return not operation.startswith(_READS) or operation in {"BatchWriteItem", "BatchExecuteStatement"}
    # S3 is told by the method; the other services of these tests, by a form, only read in a preview.
    return bool(environ["REQUEST_METHOD"] in {"PUT", "DELETE"})


def _deny(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    if environ.get("HTTP_X_AMZ_TARGET"):
        text = json.dumps({"__type": "AccessDeniedException", "message": "This test lets nobody write."})
        kind = "application/x-amz-json-1.0"
    else:
        text = "<Error><Code>AccessDenied</Code><Message>This test lets nobody write.</Message></Error>"
        kind = "application/xml"
    start_response("403 FORBIDDEN", [("Content-Type", kind), ("Content-Length", str(len(text)))])
    return [text.encode()]
