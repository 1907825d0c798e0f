"""A proxy in front of an emulator that lets some requests fail as AWS and networks let them."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.limits import EXPECTED

FAULTS = ("throttle", "server error", "reset before", "reset after", "timeout", "partial")
"""`reset before` loses the request, `reset after` and `timeout` lose the answer, `partial` fails part of a batch."""


class FaultProxy:
    """Forwards to `endpoint` (a URL on this machine); `rate` of the requests meet a fault, at random by `seed`. A
    timeout takes `timeout` seconds. `met` counts the faults."""

    def __init__(self, endpoint: str, rate: float, seed: int = 0, timeout: float = 2.5) -> None:
        self._address = urlsplit(endpoint).netloc
        self._rate = rate
        self._random = random.Random(seed)
        self._timeout = timeout
        self._lock = threading.Lock()
        self.met: Counter[str] = Counter()
        self.endpoint = ""

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy._handle(self, body)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        fault = self._fault((handler.headers["X-Amz-Target"] or "").rpartition(".")[2])
        if fault == "throttle":
            self._refuse(handler, 400, "ProvisionedThroughputExceededException")
        elif fault == "server error":
            self._refuse(handler, 500, "InternalServerError")
        elif fault == "partial":
            self._answer(handler, 200, self._partial(handler, body), {})
        elif fault == "reset before":
            self._reset(handler)
        else:
            status, answer, headers = self._forward(handler, body)
            if fault == "timeout":
                time.sleep(self._timeout)
            if fault:
                self._reset(handler)
            else:
                self._answer(handler, status, answer, headers)

    def _fault(self, operation: str) -> str | None:
        with self._lock:
            if self._random.random() >= self._rate:
                return None
            known = [fault for fault in FAULTS if fault != "partial" or operation == "BatchExecuteStatement"]
            fault = self._random.choice(known)
            self.met[fault] += 1
            return fault

    def _partial(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """Forwards about half of the statements; the others get an error of their own."""
        request = json.loads(body)
        with self._lock:
            fails = [self._random.random() < 0.5 for _ in request["Statements"]]
        kept = [statement for statement, fail in zip(request["Statements"], fails, strict=True) if not fail]
        answered: list[Any] = []
        if kept:
            _, answer, _ = self._forward(handler, json.dumps({**request, "Statements": kept}).encode())
            answered = json.loads(answer)["Responses"]
        responses = iter(answered)
        error = {"Error": {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}}
        return json.dumps({"Responses": [error if fail else next(responses) for fail in fails]}).encode()

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self._address, timeout=EXPECTED)
        try:
            headers = {
                name: value
                for name, value in handler.headers.items()
                if name.lower() not in {"host", "content-length", "accept-encoding"}
            }
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            kept = {name: response.headers[name] for name in ("x-amz-crc32",) if name in response.headers}
            return response.status, response.read(), kept
        finally:
            connection.close()

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int, code: str) -> None:
        document = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "planted"}
        self._answer(handler, status, json.dumps(document).encode(), {})

    @staticmethod
    def _reset(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.close()

    @staticmethod
    def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/x-amz-json-1.0")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
