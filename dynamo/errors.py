"""What DynamoDB's errors say: the code, whether the request may succeed later, and what throttled it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestLimitExceededException",
    "ThrottlingException",
}
"""The error codes of a request that was throttled."""
SERVER_ERROR = 500
"""HTTP status codes from here on are the server's own faults."""


def error_code(error: ClientError) -> str:
    """The AWS error code, such as ConditionalCheckFailedException."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_transient(error: ClientError | BotoCoreError) -> bool:
    """Whether the same request may succeed later: throttled, a fault of the server, or a broken connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in THROTTLED or status >= SERVER_ERROR
    return isinstance(error, HTTPClientError)


def throttled_resources(error: ClientError | BotoCoreError, table: str) -> tuple[str, ...]:
    """The tables and indexes that throttled a request, as the answer names them, else `table`; none if none did."""
    if not isinstance(error, ClientError) or error_code(error) not in THROTTLED:
        return ()
    reasons: Any = error.response.get("ThrottlingReasons") or error.response.get("throttlingReasons") or []
    named = tuple(str(reason["resource"]) for reason in reasons if "resource" in reason)
    return named or (table,)
