"""moto's server, with what AWS does around it and moto does not: DynamoDB's own metrics, alarms that change their
state, resource policies that deny, indexes that are not built at once, and the settings of tables that moto forgets."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import DomainDispatcherApplication, create_backend_app

from local import building, quick_reads, table_settings
from local.alarms import history
from local.alarms.metric_math import Unsupported
from local.alarms.states import evaluate_alarms
from local.consumption import OPERATIONS, Consumed, Meter, consumed
from local.resource_policy import denial

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_NO_USER_ERRORS = (
    b"ConditionalCheckFailedException",
    b"ProvisionedThroughputExceededException",
    b"ThrottlingException",
    b"TransactionCanceledException",
)
"""Answers with HTTP 400 that AWS does not count as errors of the user's."""
_NONE_IN_MOTO: dict[str, dict[str, Any]] = {
    "DescribeKinesisStreamingDestination": {"KinesisDataStreamDestinations": []},
    "ListContributorInsights": {"ContributorInsightsSummaries": []},
}
"""What AWS answers for a table without these. moto has none of them, and answers with HTTP 500."""
_USER_ERROR: list[Consumed] = [("UserErrors", (), 1)]


def application() -> Application:
    """The whole as a WSGI application, for any number of threads. All of it shares moto's one world of this process."""
    quick_reads.install()
    table_settings.install()
    history.install()
    # Loaded before the first request, which would wait for them; and before a test's server is forked.
    get_backend("lambda")
    get_backend("applicationautoscaling")
    return Emulation(DomainDispatcherApplication(create_backend_app))


class Emulation:
    """WSGI middleware around moto: looks at requests to DynamoDB's items and to alarms, and leaves all others alone."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._meter = Meter()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        service, region = _service(environ.get("HTTP_AUTHORIZATION", ""))
        if service == "dynamodb":
            return self._dynamodb(environ, start_response, region)
        if service == "monitoring" and _operation(environ) in {"DescribeAlarms", "DescribeAlarmHistory"}:
            try:
                evaluate_alarms(DEFAULT_ACCOUNT_ID, region)
            except Unsupported as error:
                return _refuse(start_response, "InvalidParameterValueException", f"The local CloudWatch: {error}")
        return self._moto(environ, start_response)

    def _dynamodb(self, environ: Environ, start_response: StartResponse, region: str) -> Iterable[bytes]:
        version, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if operation in _NONE_IN_MOTO:
            return _answer(start_response, "200 OK", _NONE_IN_MOTO[operation])
        if operation == "DescribeGlobalTable":
            return _refuse(start_response, "GlobalTableNotFoundException", "moto has no global table of version 2017.")
        if version == "DynamoDB_20120810" and operation == "UpdateTable":
            return self._update_table(environ, start_response, region)
        if version != "DynamoDB_20120810" or operation not in OPERATIONS:
            return self._moto(environ, start_response)
        body = _json(environ)
        denied = denial(DEFAULT_ACCOUNT_ID, region, operation, body)
        if denied:
            self._meter.add(DEFAULT_ACCOUNT_ID, region, _USER_ERROR)
            return _refuse(start_response, "AccessDeniedException", denied)
        status = ""

        def noted(line: str, *rest: Any) -> Any:
            nonlocal status
            status = line
            return start_response(line, *rest)

        answer = self._moto(environ, noted)
        if status.startswith("200"):
            self._meter.add(DEFAULT_ACCOUNT_ID, region, consumed(operation, body))
        elif status.startswith("400"):
            answer = list(answer)
            if not any(code in part for part in answer for code in _NO_USER_ERRORS):
                self._meter.add(DEFAULT_ACCOUNT_ID, region, _USER_ERROR)
        return answer

    def _update_table(self, environ: Environ, start_response: StartResponse, region: str) -> Iterable[bytes]:
        body = _json(environ)
        refused = building.refusal(region, body)
        if refused:
            return _refuse(start_response, "LimitExceededException", refused)
        answer = list(self._moto(environ, start_response))
        building.begun(region, body)
        return answer


def _service(authorization: str) -> tuple[str, str]:
    """Service and region out of a signature's credential scope: `Credential=<key>/<day>/<region>/<service>/…`."""
    scope = authorization.partition("Credential=")[2].split("/", 4)
    return (scope[3], scope[2]) if len(scope) == 5 else ("", "")


def _operation(environ: Environ) -> str:
    """What CloudWatch is asked for, in whichever of its three protocols."""
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or environ.get("PATH_INFO", "").rpartition("/")[2]
    return target or parse_qs(_body(environ).decode("utf-8", "replace")).get("Action", [""])[0]


def _json(environ: Environ) -> dict[str, Any]:
    """The request's body, or nothing where it is not JSON: moto says so itself."""
    try:
        body = json.loads(_body(environ))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _body(environ: Environ) -> bytes:
    """Reads the body and puts it back for moto."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _refuse(start_response: StartResponse, code: str, message: str) -> Iterable[bytes]:
    """An answer with HTTP 400 in AWS's JSON protocol."""
    error = {"__type": f"com.amazon.coral.service#{code}", "message": message}
    return _answer(start_response, "400 BAD REQUEST", error)


def _answer(start_response: StartResponse, status: str, document: dict[str, Any]) -> Iterable[bytes]:
    text = json.dumps(document).encode()
    start_response(status, [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(text)))])
    return [text]
