"""Serves the plugin to the Pulumi engine: prints its port, and ends when its parent does."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import boto3
import grpc
from botocore.config import Config
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local.aws_plugin.cloudwatch import AlarmType, DashboardType
from local.aws_plugin.index import IndexType
from local.aws_plugin.resource import (
    CANCELLATION,
    UNKNOWN,
    Found,
    PluginError,
    Properties,
    ResourceType,
    keeping,
    with_every_tag,
)
from local.aws_plugin.sns import SubscriptionType, TopicType
from local.aws_plugin.table import TableType
from stack.world.managed import ALARM_TYPE, DASHBOARD_TYPE, INDEX_TYPE, SUBSCRIPTION_TYPE, TABLE_TYPE, TOPIC_TYPE

Result = TypeVar("Result")

VERSION = "7.51.1"
PARENT = "KEYSHIFT_PLUGIN_PARENT"
"""In the environment: the process id of the engine that wants the plugin."""
PARENT_CHECK_SECONDS = 0.2
_SETTINGS = {
    "region",
    "accessKey",
    "secretKey",
    "endpoints",
    "skipCredentialsValidation",
    "skipRequestingAccountId",
    "skipMetadataApiCheck",
    "defaultTags",
    "version",
}


class Clients:
    """One client a service, made when it is first needed: a preview needs none, and making one takes 0.1 s."""

    def __init__(self, endpoints: dict[str, str], settings: dict[str, str]) -> None:
        self._endpoints = endpoints
        self._settings = settings
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str) -> Any:
        """The client of a service whose endpoint is known."""
        make: Any = boto3.client  # its overloads name every service of AWS
        with self._lock:
            if service not in self._made:
                self._made[service] = make(
                    service,
                    endpoint_url=self._endpoints[service],
                    region_name=self._settings.get("region"),
                    aws_access_key_id=self._settings.get("accessKey"),
                    aws_secret_access_key=self._settings.get("secretKey"),
                    # The real plugin sends what it is given and lets AWS refuse it.
                    config=Config(parameter_validation=False),
                )
            return self._made[service]


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's provider protocol over the resource types, each call's error turned into a gRPC status."""

    def __init__(self) -> None:
        self._types: dict[str, ResourceType[Any]] = {}
        self._default_tags: dict[str, str] = {}

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        unknown = sorted(set(_plain(request.news)) - _SETTINGS)
        failures = [
            provider_pb2.CheckFailure(property=name, reason="the stand-in plugin does not know this setting")
            for name in unknown
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        settings = {key.removeprefix("aws:config:"): value for key, value in request.variables.items()}
        endpoints: list[dict[str, str]] = json.loads(settings.get("endpoints", "[]"))
        if not endpoints or "dynamodb" not in endpoints[0]:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                "the stand-in plugin serves the local stack alone, and this stack names no DynamoDB endpoint",
            )
        self._default_tags = json.loads(settings.get("defaultTags", "{}")).get("tags") or {}
        clients = Clients(endpoints[0], settings)
        database, watch = partial(clients.get, "dynamodb"), partial(clients.get, "cloudwatch")
        messages = partial(clients.get, "sns")
        self._types = {TABLE_TYPE: TableType(database), INDEX_TYPE: IndexType(database)}
        if "cloudwatch" in endpoints[0]:
            self._types |= {ALARM_TYPE: AlarmType(watch), DASHBOARD_TYPE: DashboardType(watch)}
        if "sns" in endpoints[0]:
            self._types |= {TOPIC_TYPE: TopicType(messages), SUBSCRIPTION_TYPE: SubscriptionType(messages)}
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        inputs = _plain(request.news)
        found = _guarded(context, lambda: kind.check(inputs))
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in found]
        inputs = {**kind.defaults, **inputs}
        if self._default_tags and kind.tagged:
            # As applyTags of the real plugin does in its own Check (pulumi-aws: provider/tags.go).
            inputs["tagsAll"] = {**self._default_tags, **(inputs.get("tags") or {})}
        return provider_pb2.CheckResponse(inputs=_struct(inputs), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        state, inputs = _plain(request.olds), self._tagged(_plain(request.news))
        ignored = set(request.ignoreChanges)
        inputs = keeping(inputs, state, ignored)
        difference = _guarded(context, lambda: kind.diff(state, inputs), f"diffing {request.urn}: ").without(ignored)
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if difference.changed else response.DIFF_NONE,
            diffs=list(difference.changed),
            replaces=list(difference.replacing),
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        inputs = self._tagged(_plain(request.properties))
        if request.preview:
            planned = _guarded(context, lambda: kind.planned(inputs), f"diffing {request.urn}: ")
            return provider_pb2.CreateResponse(id="", properties=_struct(planned))
        found = _guarded(context, lambda: kind.create(inputs, request.timeout))
        return provider_pb2.CreateResponse(id=found.id, properties=_struct(found.state))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        state = _plain(request.properties)
        found = _guarded(context, lambda: kind.read(request.id, state))
        if found is None:
            return provider_pb2.ReadResponse(id="")
        inputs = _refreshed(_plain(request.inputs), found) if request.inputs.fields else found.inputs
        return provider_pb2.ReadResponse(id=found.id, properties=_struct(found.state), inputs=_struct(inputs))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        state, inputs = _plain(request.olds), self._tagged(_plain(request.news))
        if request.preview:
            unknown = dict.fromkeys(kind.recomputed(state, inputs), UNKNOWN)
            return provider_pb2.UpdateResponse(properties=_struct({**state, **inputs, **unknown}))
        ignored = set(request.ignoreChanges)
        inputs = keeping(inputs, state, ignored)
        _guarded(context, lambda: kind.refuse(kind.diff(state, inputs).without(ignored)))
        found = _guarded(context, lambda: kind.update(request.urn, request.id, state, inputs, request.timeout))
        return provider_pb2.UpdateResponse(properties=_struct(found.state))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._type(request.urn, context)
        _guarded(context, lambda: kind.delete(_plain(request.properties), request.timeout))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in plugin does not know the function {request.tok}")

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        CANCELLATION.cancel()
        return empty_pb2.Empty()

    def _tagged(self, inputs: Properties) -> Properties:
        return with_every_tag(inputs) if self._default_tags else inputs

    def _type(self, urn: str, context: grpc.ServicerContext) -> ResourceType[Any]:
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._types:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in plugin does not know the type {token}")
        return self._types[token]


def _refreshed(inputs: Properties, found: Found) -> Properties:
    """The program's inputs after a refresh: the properties that it gave, with the values that AWS now has."""
    refreshed: Properties = {}
    for name, value in inputs.items():
        now = found.state.get(name, value)
        if name in {"attributes", "tags", "tagsAll"}:
            now = value
        elif isinstance(value, dict) and isinstance(now, dict):
            now = {inner: now.get(inner, value[inner]) for inner in value}
        refreshed[name] = now
    return refreshed


def _guarded(context: grpc.ServicerContext, operation: Callable[[], Result], doing: str = "") -> Result:
    CANCELLATION.begin()
    try:
        return operation()
    except PluginError as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{doing}{error}")
    except Exception as error:  # noqa: BLE001  # anything else would reach the engine without its text
        context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
    raise AssertionError("abort raises")


def _plain(struct: struct_pb2.Struct) -> Properties:
    """A protobuf struct as Python values; protobuf has no integers, so whole numbers become int again."""
    plain: Properties = _whole(json_format.MessageToDict(struct))
    return plain


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _struct(properties: Properties) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def _end_with_parent() -> None:
    """Ends the process once its parent has: an orphan would go on changing tables after a killed `up`.

    The script that started us noted the parent; by now it may have ended already.
    """
    parent = int(os.environ[PARENT])
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def main() -> None:
    """Serves until ended by the engine or by the engine's own end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(max_workers=32))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
