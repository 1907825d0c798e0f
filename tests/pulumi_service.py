"""As much of Pulumi's service as the CLI asks for to resolve ESC environments and to export a stack that holds nothing.

It answers with what it was given: resolving environments is the service's own work, and is not imitated.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ORGANIZATION = "acme"


@contextmanager
def pulumi_service(project: str, stack: str, environments: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The URL of a service with one stack, and with these environments by their names (`project/name`), whose values
    are as the service would send them."""
    answers = _answers(project, stack, environments)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = self.path.partition("?")[0]
            found = answers.get(f"{self.command} {path}")
            if path.endswith("/yaml/open"):
                # The imports of a stack file: the last of them counts.
                name = json.loads(body)["imports"][-1]
                found = {"id": name.replace("/", "-")} if name in environments else None
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found or {"code": 404, "message": "Not Found"}).encode())

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def value(of: Any, *, secret: bool = False) -> dict[str, Any]:
    """A value of an environment, as the service sends it."""
    if isinstance(of, Mapping):
        of = {key: each if _is_value(each) else value(each) for key, each in of.items()}
    elif isinstance(of, list):
        of = [each if _is_value(each) else value(each) for each in of]
    return {"value": of, "trace": {}, **({"secret": True} if secret else {})}


def _is_value(of: Any) -> bool:
    return isinstance(of, Mapping) and "trace" in of


def _answers(project: str, stack: str, environments: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    here = f"/api/stacks/{ORGANIZATION}/{project}/{stack}"
    esc = f"/api/esc/environments/{ORGANIZATION}"
    answers: dict[str, Any] = {
        "GET /api/user": {"id": "1", "githubLogin": ORGANIZATION, "organizations": [{"githubLogin": ORGANIZATION}]},
        "GET /api/user/organizations/default": {"GitHubLogin": ORGANIZATION},
        "GET /api/capabilities": {"capabilities": []},
        f"GET {here}": {"orgName": ORGANIZATION, "projectName": project, "stackName": stack, "tags": {}, "version": 0},
        f"GET {here}/export": {"version": 3, "deployment": {}},
    }
    for name, properties in environments.items():
        id = name.replace("/", "-")
        answers |= {
            f"POST {esc}/{name}/open": {"id": id},
            f"GET {esc}/{name}/open/{id}": {"properties": properties},
            f"GET {esc}/yaml/open/{id}": {"properties": properties},
        }
    return answers
