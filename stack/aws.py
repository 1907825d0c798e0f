"""One boto3 session a stack, and its failures turned into errors that say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidConfigError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

from dynamo.errors import SERVER_ERROR, THROTTLED
from schema.errors import CredentialsEnded, Refused, ToolError, UsageError
from stack.credentials import endpoint_options, session
from stack.file.config import StackConfig

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sns import SNSClient

# Retries are botocore's: `adaptive` would also slow unrelated calls down, `standard` backs off on throttling. An
# endpoint that never answers is given up within about two minutes.
_RETRIES = Config(
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=5,
    read_timeout=20,
    max_pool_connections=32,
)
# The first call of every task finds out whether anybody is there, within about ten seconds. What a task can do without
# is given up as soon.
_FIRST = _RETRIES.merge(
    Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=4, read_timeout=4)
)
# A backfill has its own patience, and has to hear of each throttled request to slow down. Its requests are all of one
# form, whose checking by botocore would take a fifth of its processor time.
_NO_RETRIES = _RETRIES.merge(
    Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=30, parameter_validation=False)
)
_INVALID = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
READS = {"GetItem", "Query"}
"""What a client that only reads may send."""
UNPARSED = "Unparsed"
"""Where an answer of DescribeTable has its own JSON, too."""


def dynamodb(config: StackConfig) -> DynamoDBClient:
    """A thread-safe DynamoDB client for the stack. Raises UsageError when its AWS profile does not exist."""
    return _dynamodb(config, _RETRIES)


def dynamodb_once(config: StackConfig) -> DynamoDBClient:
    """A thread-safe DynamoDB client that tries each request once. Raises UsageError as `dynamodb` does."""
    return _dynamodb(config, _NO_RETRIES)


def cloudwatch(config: StackConfig) -> CloudWatchClient | None:
    """A CloudWatch client, or None for a stack on an emulator whose file names no CloudWatch endpoint."""
    if config.endpoint and not config.cloudwatch_endpoint:
        return None
    return session(config).client(
        "cloudwatch", endpoint_url=config.cloudwatch_endpoint, config=_options(config, _RETRIES)
    )


def sns(config: StackConfig) -> SNSClient | None:
    """An SNS client, or None for a stack on an emulator whose file names no SNS endpoint."""
    if config.endpoint and not config.sns_endpoint:
        return None
    return session(config).client("sns", endpoint_url=config.sns_endpoint, config=_options(config, _RETRIES))


def read_only_dynamodb(config: StackConfig) -> DynamoDBClient:
    """A thread-safe DynamoDB client that refuses to send whatever is no read of items. Raises UsageError as `dynamodb`
    does."""
    client = _dynamodb(config, _FIRST)
    client.meta.events.register("before-call.dynamodb", _refuse_writes)
    return client


class EventSources(Protocol):
    """What is asked of Lambda."""

    def list_event_source_mappings(self, **request: Any) -> Mapping[str, Any]: ...


class Scaler(Protocol):
    """What is asked of Application Auto Scaling."""

    def describe_scalable_targets(self, **request: Any) -> Mapping[str, Any]: ...

    def describe_scaling_policies(self, **request: Any) -> Mapping[str, Any]: ...


def quick_dynamodb(config: StackConfig) -> DynamoDBClient:
    """A thread-safe DynamoDB client for what a task can do without: it gives up within about ten seconds. Raises
    UsageError as `dynamodb` does."""
    return _dynamodb(config, _FIRST)


def event_sources(config: StackConfig) -> EventSources | None:
    """A Lambda client that gives up as quickly, or None for a stack on an emulator whose file names no endpoint."""
    if config.endpoint and not config.lambda_endpoint:
        return None
    client: EventSources = session(config).client(
        "lambda", endpoint_url=config.lambda_endpoint, config=_options(config, _FIRST)
    )
    return client


def scaler(config: StackConfig) -> Scaler | None:
    """A client of Application Auto Scaling, as `event_sources` is one of Lambda."""
    if config.endpoint and not config.scaling_endpoint:
        return None
    url = config.scaling_endpoint
    client: Scaler = session(config).client(
        "application-autoscaling", endpoint_url=url, config=_options(config, _FIRST)
    )
    return client


def check_account(config: StackConfig) -> str:
    """Refuses credentials of any account but the one that the stack file names. Returns the ARN of whose they are.
    Raises Refused."""
    with translated_errors(config, first=True):
        sts = session(config).client("sts", endpoint_url=config.sts_endpoint, config=_options(config, _FIRST))
        sts.meta.events.register("before-parse.sts", partial(_refuse_others, rb"<(GetCallerIdentity|Error)Response"))
        caller = sts.get_caller_identity()
    account = caller["Account"]
    if account != config.settings.account:
        raise Refused(
            f"These credentials belong to AWS account {account}.",
            f"{config.stack_file.name} says that stack {config.stack} lives in account {config.settings.account}.",
            f"Switch credentials (AWS_PROFILE), or correct {config.setting('account')} in the stack file.",
        )
    arn: str = caller["Arn"]
    return arn


@contextmanager
def translated_errors(config: StackConfig, *, first: bool = False) -> Iterator[None]:
    """Turns what botocore raises into a ToolError: no endpoint, not AWS, a wrong AWS configuration, no credentials,
    expired, or denied. Only of a task's `first` call it is known that nothing was changed before."""
    try:
        yield
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        command = "./invoke local.up" if config.is_local else f"./invoke status --stack {config.stack}"
        raise ToolError(
            f"The AWS endpoint of stack {config.stack} does not answer.", f"{error}.", f"Run: {command}"
        ) from error
    except ResponseParserError as error:
        raise ToolError(
            f"What answers stack {config.stack} is not AWS.",
            f"{str(error)[:200]}. A proxy or a login page may stand in between.",
            f"Correct the network, or aws:endpoints in {config.stack_file.name}; then repeat.",
        ) from error
    except (ConfigParseError, ProfileNotFound) as error:
        raise _wrong_configuration(config, error) from error
    except _NO_CREDENTIALS as error:
        raise _no_credentials(config, f"{str(error).rstrip('.')}.", first=first) from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        message = error.response.get("Error", {}).get("Message", "")
        if code in _INVALID:
            raise _invalid_credentials(message, first=first) from error
        if code in DENIED:
            raise Refused(
                f"AWS denies {error.operation_name}.", message, "Grant that action to these credentials, then repeat."
            ) from error
        if code in THROTTLED:
            raise ToolError(
                f"AWS throttles {error.operation_name}, in spite of retries.",
                message,
                "Give the table more capacity, or wait; then repeat: the run goes on where it was.",
            ) from error
        raise
    except BotoCoreError as error:
        raise ToolError(f"AWS could not be called: {error}.", "", "Repeat; the run goes on where it was.") from error


def _no_credentials(config: StackConfig, why: str, *, first: bool) -> ToolError:
    if not first:
        return credentials_ended(why)
    return UsageError(
        f"There are no AWS credentials for stack {config.stack}.", why, "Set AWS_PROFILE, or log in again."
    )


def _invalid_credentials(why: str, *, first: bool) -> ToolError:
    if not first:
        return credentials_ended(why)
    return UsageError("The AWS credentials are not valid.", why, "Log in again, then repeat.")


def credentials_ended(why: str) -> CredentialsEnded:
    """What is told of credentials that AWS took before, and takes no more."""
    return CredentialsEnded(
        "AWS no longer accepts the credentials.",
        f"{why} What was done until then is recorded, and goes on in AWS.",
        "Log in again, then repeat: the run goes on where it was.",
    )


def says_that_credentials_ended(text: str) -> bool:
    """Whether a text, such as an error of Pulumi's, names one of AWS's errors for credentials that are not valid."""
    return any(re.search(rf"\b{code}\b", text) for code in _INVALID)


def _dynamodb(config: StackConfig, options: Config) -> DynamoDBClient:
    with translated_errors(config, first=True):
        client = session(config).client("dynamodb", endpoint_url=config.endpoint, config=_options(config, options))
    client.meta.events.register("before-parse.dynamodb", partial(_refuse_others, rb"^\s*\{"))
    client.meta.events.register("before-parse.dynamodb.DescribeTable", _keep_unparsed)
    return client


def _options(config: StackConfig, options: Config) -> Config:
    return options.merge(endpoint_options(config))


def _refuse_others(expected: bytes, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuses an answer that does not look as `expected`: botocore would make an empty answer of it, or stumble."""
    body = response_dict["body"]
    if response_dict["status_code"] < SERVER_ERROR and not re.search(expected, body):
        raise ResponseParserError(f"It says {body[:40]!r}")


def _refuse_writes(model: OperationModel, **_: Any) -> None:
    if model.name not in READS:
        raise Refused(
            f"{model.name} is not sent with a client that only reads.",
            "It would change another stack.",
            "This is a mistake of the tool: please report it.",
        )


def _keep_unparsed(response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Adds the answer as AWS wrote it: botocore drops the members that its model does not have."""
    if response_dict["status_code"] == HTTPStatus.OK:
        # What is not JSON is refused by the other handler.
        with suppress(ValueError):
            customized_response_dict[UNPARSED] = json.loads(response_dict["body"])


def _wrong_configuration(config: StackConfig, error: BotoCoreError) -> UsageError:
    if isinstance(error, ProfileNotFound):
        return UsageError(
            f"Stack {config.stack} wants an AWS profile that does not exist.",
            f"{error}.",
            "Configure it, or correct AWS_PROFILE, or aws:profile in the stack file.",
        )
    return UsageError(
        "The AWS configuration cannot be read.", f"{error}.", "Correct that file, or set AWS_CONFIG_FILE."
    )
