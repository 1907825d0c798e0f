"""GitHub's API over HTTPS, with the job's own token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from schema.errors import ToolError, UsageError

VERSION = "2022-11-28"
"""The version of the REST API that these calls are written for (header X-GitHub-Api-Version)."""
PAGE = 100
"""Entries of one page: the most that GitHub gives."""
MOST_PAGES = 100
"""Pages of one list that are read: no more than 10,000 entries."""
SECONDS = 30.0
"""How long one answer may take."""
ATTEMPTS = 4
FIRST_WAIT_SECONDS = 1.0
"""Before the second attempt; doubled after each."""
T = TypeVar("T")
_PASSING = {429, 500, 502, 503, 504}


class GitHubError(ToolError):
    """GitHub did not do what it was asked for, or gave an answer of another form."""


class _Passing(Exception):
    """An answer that another attempt may better; `cause` is the error if none does."""

    def __init__(self, cause: GitHubError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would send the token to wherever it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Message(BaseModel):
    message: str = ""


class GitHub:
    """One repository on GitHub. The token is sent to the API's own host only, and shown nowhere."""

    def __init__(self, api: str, token: str) -> None:
        """`api` is the URL of the REST API. Raises UsageError for one that would send the token unencrypted."""
        split = urlsplit(api)
        if split.scheme != "https" and split.hostname not in {"127.0.0.1", "localhost"}:
            raise UsageError(
                f"GITHUB_API_URL is {api}.",
                "The job's token would be sent over an unencrypted connection.",
                "Give an https URL.",
            )
        self._api, self._token = api.rstrip("/"), token
        self._opener = urllib.request.build_opener(_NoRedirect)

    @staticmethod
    def of(environment: Mapping[str, str]) -> GitHub:
        """The API that the job's environment names. Raises UsageError without a token."""
        token = environment.get("GITHUB_TOKEN")
        if not token:
            raise UsageError(
                "GITHUB_TOKEN is not set.",
                "GitHub gives a step its token only if the step asks for it.",
                "Add to the step:  env: {GITHUB_TOKEN: ${{ github.token }}}",
            )
        return GitHub(environment.get("GITHUB_API_URL") or "https://api.github.com", token)

    def get(self, path: str) -> bytes:
        """What the path holds. Raises GitHubError."""
        return self._call("GET", path, None)

    def pages(self, path: str) -> Iterator[bytes]:
        """The pages of a list, each as JSON, until one is not full. Raises GitHubError after MOST_PAGES."""
        joint = "&" if "?" in path else "?"
        for page in range(1, MOST_PAGES + 1):
            body = self.get(f"{path}{joint}per_page={PAGE}&page={page}")
            yield body
            if len(read(TypeAdapter(list[Any]), body)) < PAGE:
                return
        raise GitHubError(f"{path} has more than {MOST_PAGES * PAGE} entries.", "No more of them are read.", "")

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Makes something, once: an attempt whose answer is lost is not repeated. Raises GitHubError."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Changes something to what the body says. Raises GitHubError."""
        return self._call("PATCH", path, body)

    def query(self, text: str, variables: Mapping[str, str | None]) -> bytes:
        """What a GraphQL query answers, which changes nothing. Raises GitHubError, also for errors in the answer."""
        # GitHub Enterprise Server: /api/v3 for REST, /api/graphql beside it.
        base = self._api.removesuffix("/v3")
        body = self._call("POST", "/graphql", {"query": text, "variables": dict(variables)}, base=base, harmless=True)
        errors = read(TypeAdapter(_Errors), body).errors
        if errors:
            raise GitHubError("GitHub refused a query.", "; ".join(error.message for error in errors), _permissions(""))
        return body

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, base: str | None = None, harmless: bool = False
    ) -> bytes:
        attempts = ATTEMPTS if harmless or method != "POST" else 1
        trying = Retrying(
            retry=retry_if_exception_type(_Passing),
            stop=stop_after_attempt(attempts),
            wait=wait_exponential(multiplier=FIRST_WAIT_SECONDS),
            reraise=True,
        )
        try:
            return trying(self._once, method, path, body, base or self._api)
        except _Passing as passing:
            raise passing.cause from None

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None, base: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310  # the scheme was looked at when the URL was given
            f"{base}{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "keyshift",
                "X-GitHub-Api-Version": VERSION,
            },
            method=method,
        )
        what = f"{method} {path}"
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            said = _message(error.read())
            failure = GitHubError(f"GitHub answered {error.code} to {what}.", said, _permissions(path))
            if error.code in _PASSING:
                raise _Passing(failure) from None
            raise failure from None
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            unreached = GitHubError(f"GitHub cannot be reached for {what}.", f"{reason}", "Run the job again.")
            raise _Passing(unreached) from None


class _Errors(BaseModel):
    errors: list[_Message] = []


def read(form: TypeAdapter[T], body: bytes) -> T:
    """An answer in its form. Raises GitHubError for another form."""
    try:
        return form.validate_json(body)
    except ValidationError as error:
        raise GitHubError(
            "GitHub's answer has another form than expected.",
            "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3]),
            "",
        ) from None


def _message(body: bytes) -> str:
    try:
        return _Message.model_validate_json(body).message
    except ValidationError:
        return ""


def _permissions(path: str) -> str:
    wanted = {"check-runs": "checks: write", "comments": "pull-requests: write, or issues: write for an issue"}
    wanted |= {"issues": "issues: write"}
    found = next((permission for part, permission in wanted.items() if part in path.split("/")), "pull-requests: read")
    return f"If it is a right that is missing, give the job `permissions: {found}`."
