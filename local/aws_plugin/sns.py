"""aws:sns/topic:Topic and aws:sns/topicSubscription:TopicSubscription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws_plugin.resource import (
    Difference,
    Found,
    PluginError,
    Properties,
    ResourceType,
    Strict,
    differing,
    said,
    tag_list,
    tags_of,
)

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

_GONE = {"NotFound", "NotFoundException", "ResourceNotFound"}


class _TopicInputs(Strict):
    name: str
    tags: dict[str, str] | None = None
    # Known to the program only after an import, which fills them in.
    tags_all: dict[str, str] | None = None
    region: str | None = None


class TopicType(ResourceType["SNSClient"]):
    """Topics, by ARN. Only tags can change."""

    INPUTS = _TopicInputs

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        compared = {**inputs, "tags": inputs.get("tags") or {}}
        return differing({"tags": {}, **state}, compared, replacing=("name",), updating=("tags",))

    def create(self, inputs: Properties, timeout: float) -> Found:
        try:
            arn = self._client.create_topic(Name=inputs["name"], Tags=tag_list(inputs.get("tags") or {}))["TopicArn"]
        except ClientError as error:
            raise PluginError(f"creating SNS Topic ({inputs['name']}): {said(error, 'SNS')}") from error
        return self._found(arn)

    def read(self, id: str, state: Properties) -> Found | None:
        try:
            arn = self._client.get_topic_attributes(TopicArn=id)["Attributes"]["TopicArn"]
            labels = tags_of(self._client.list_tags_for_resource(ResourceArn=arn)["Tags"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return None
            raise
        inputs: Properties = {"name": arn.rpartition(":")[2], "region": self._client.meta.region_name}
        if labels:
            inputs["tags"] = inputs["tagsAll"] = labels
        return Found(id=arn, inputs=inputs, state={**inputs, "arn": arn})

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        self._set_tags(state, inputs, ResourceArn=id)
        return self._found(id)

    def delete(self, state: Properties, timeout: float) -> None:
        self._client.delete_topic(TopicArn=state["arn"])

    def _found(self, arn: str) -> Found:
        return self._made(f"reading SNS Topic ({arn})", arn, {})


class _SubscriptionInputs(Strict):
    topic: str
    protocol: str
    endpoint: str
    confirmation_timeout_in_minutes: int | None = None
    endpoint_auto_confirms: bool | None = None
    raw_message_delivery: bool | None = None
    region: str | None = None


class SubscriptionType(ResourceType["SNSClient"]):
    """Subscriptions, by ARN. Nothing of one can change: another topic, protocol or endpoint is another one."""

    INPUTS = _SubscriptionInputs

    @property
    def defaults(self) -> Properties:
        return {"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        found = super().check(inputs)
        found += [
            (name, "the stand-in plugin of the local stack knows only the default of this property")
            for name, default in self.defaults.items()
            if inputs.get(name, default) != default
        ]
        return found

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        return differing(state, inputs, replacing=("topic", "protocol", "endpoint"))

    def create(self, inputs: Properties, timeout: float) -> Found:
        try:
            arn = self._client.subscribe(
                TopicArn=inputs["topic"],
                Protocol=inputs["protocol"],
                Endpoint=inputs["endpoint"],
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
        except ClientError as error:
            raise PluginError(f"creating SNS Topic Subscription: {said(error, 'SNS')}") from error
        return self._made(f"reading SNS Topic Subscription ({arn})", arn, {})

    def read(self, id: str, state: Properties) -> Found | None:
        try:
            attributes: Any = self._client.get_subscription_attributes(SubscriptionArn=id)["Attributes"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return None
            raise
        inputs: Properties = {
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            **self.defaults,
        }
        pending = str(attributes.get("PendingConfirmation")).lower() == "true"
        return Found(id=id, inputs=inputs, state={**inputs, "arn": id, "pendingConfirmation": pending})

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        raise PluginError(f"updating {urn}: a subscription cannot be changed")

    def delete(self, state: Properties, timeout: float) -> None:
        self._client.unsubscribe(SubscriptionArn=state["arn"])
