"""A small stand-in for GitHub's API: one repository with pull requests, comments and check runs.

It is strict where GitHub is: the token, the headers, the fields, lists in pages, the length of texts.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_0123456789"
REPOSITORY = "team/things"
BOT, PERSON = {"login": "github-actions[bot]", "type": "Bot"}, {"login": "somebody", "type": "User"}
CHECK_FIELDS = {"name", "head_sha", "status", "conclusion", "details_url", "output"}
CONCLUSIONS = {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"}
MOST = 65_536


@dataclass
class GitHubServer:
    """What GitHub holds. `files` are the changed files of each open pull request into `base`, those that were changed
    last first. `plant` gives the statuses with which the next requests of a method fail."""

    base: str = "main"
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    files: dict[int, list[str]] = field(default_factory=dict)
    plant: dict[str, list[int]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def comment(self, number: int, body: str, user: dict[str, str] = BOT) -> int:
        """Adds a comment, and returns its id."""
        id = 1 + sum(map(len, self.comments.values()))
        self.comments.setdefault(number, []).append({"id": id, "body": body, "user": user, **self._url(id)})
        return id

    def bodies(self, number: int) -> list[str]:
        return [str(comment["body"]) for comment in self.comments.get(number, [])]

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """The status and the JSON that GitHub answers."""
        split = urlsplit(target)
        self.requests.append((method, split.path))
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        wanted = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
        if any(headers.get(name) != value for name, value in wanted.items()) or not headers.get("user-agent"):
            return 400, {"message": "A header is missing"}
        if self.plant.get(method):
            return self.plant[method].pop(0), {"message": "Resource not accessible by integration"}
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if (method, split.path) == ("POST", "/graphql"):
            return self._pull_requests(body)
        found = re.fullmatch(rf"/repos/{REPOSITORY}/(.*)", split.path)
        return self._rest(method, found[1], query, body) if found else (404, {"message": "Not Found"})

    def _rest(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if listed := re.fullmatch(r"issues/(\d+)/comments", path):
            number = int(listed[1])
            if method == "GET":
                size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
                return 200, self.comments.get(number, [])[(page - 1) * size : page * size]
            if method == "POST" and self._is_text(body):
                return 201, self._url(self.comment(number, body["body"]))
        if edited := re.fullmatch(r"issues/comments/(\d+)", path):
            for comment in (one for several in self.comments.values() for one in several):
                if comment["id"] == int(edited[1]) and method == "PATCH" and self._is_text(body):
                    comment["body"] = body["body"]
                    return 200, comment
        if (method, path) == ("POST", "check-runs"):
            known = set(body) == CHECK_FIELDS and body["conclusion"] in CONCLUSIONS and body["status"] == "completed"
            if known and len(body["output"]["summary"]) < MOST:
                self.checks.append(body)
                return 201, self._url(len(self.checks))
            return 422, {"message": "Validation Failed"}
        return 404, {"message": "Not Found"}

    def _pull_requests(self, body: Any) -> tuple[int, Any]:
        variables = body["variables"]
        if f"{variables['owner']}/{variables['name']}" != REPOSITORY or variables["base"] != self.base:
            return 200, {"data": None, "errors": [{"message": "Could not resolve to a Repository"}]}
        first, most_files = (int(number) for number in re.findall(r"first: (\d+)", body["query"]))
        start = int(variables["after"] or 0)
        nodes = [
            {
                "number": number,
                "files": {
                    "pageInfo": {"hasNextPage": len(paths) > most_files},
                    "nodes": [{"path": path} for path in paths[:most_files]],
                },
            }
            for number, paths in list(self.files.items())[start : start + first]
        ]
        end = start + len(nodes)
        info = {"hasNextPage": end < len(self.files), "endCursor": str(end)}
        return 200, {"data": {"repository": {"pullRequests": {"pageInfo": info, "nodes": nodes}}}}

    def _is_text(self, body: Any) -> bool:
        return set(body) == {"body"} and 0 < len(body["body"]) <= MOST

    def _url(self, id: int) -> dict[str, str]:
        return {"html_url": f"https://github.com/{REPOSITORY}/{id}"}


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    """A stand-in that answers on this machine."""
    server = GitHubServer()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.close_connection = True
            super().handle_one_request()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = server.answer(self.command, self.path, headers, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{server.url}/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  # http.server's names

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
