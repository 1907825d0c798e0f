"""A connection to the local stack's endpoint that can be cut in the middle of whatever it carries."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.checkouts import Checkout


class Connection:
    """Carries bytes from a port of its own to `port`, both on this machine."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut_until = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Breaks every connection, and every new one for so long."""
        with self._lock:
            self._cut_until = time.monotonic() + seconds
            broken, self._open = self._open, set()
        for one in broken:
            _close(one)

    def wait(self) -> None:
        """Until it carries again."""
        time.sleep(max(0.0, self._cut_until - time.monotonic()))

    def close(self) -> None:
        """Carries nothing more."""
        self._listener.close()
        self.cut(0)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if time.monotonic() < self._cut_until:
                    _close(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                with self._lock:
                    self._open |= {near, far}
                for start, end in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(start, end), daemon=True).start()

    def _carry(self, start: socket.socket, end: socket.socket) -> None:
        with suppress(OSError):
            while data := start.recv(65536):
                end.sendall(data)
        _close(start)
        _close(end)
        with self._lock:
            self._open -= {start, end}


@contextmanager
def severable(checkout: Checkout) -> Iterator[Connection]:
    """Has the copy, whose local stack is up, reach its endpoint through such a connection."""
    connection = Connection(checkout.port)
    stack_file, record = checkout.path / "Pulumi.local.yaml", checkout.path / ".local" / "server.json"
    text = stack_file.read_text(encoding="utf-8")
    stack_file.write_text(text.replace(f":{checkout.port}", f":{connection.port}"), encoding="utf-8")
    server = json.loads(record.read_text(encoding="utf-8"))
    server["endpoint"] = f"http://127.0.0.1:{connection.port}"
    record.write_text(json.dumps(server), encoding="utf-8")
    try:
        yield connection
    finally:
        connection.close()


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
