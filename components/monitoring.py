"""The monitors of a stack: a topic that people subscribe to, alarms that report to it, and a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, sns

from schema.model import Schema
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.monitoring.alarms import DASHBOARD, TOPIC, Alarm, alarms, subscriptions
from stack.monitoring.dashboard import dashboard
from stack.monitoring.metrics import NAMESPACE
from stack.world.live import Live

TYPE = "keyshift:cloudwatch:Monitoring"
FORMER_TYPE = "sitelogix:cloudwatch:Monitoring"
"""The type in states of older versions: an alias, so that no alarm is made again."""
RESULT = "result"
"""The id of what an alarm's expression gives."""


class Monitoring(pulumi.ComponentResource):
    """The topic (its ARN is `topic_arn`), its subscriptions, the dashboard, and the alarms of all tables and indexes
    that are declared."""

    topic_arn: pulumi.Output[str]

    def __init__(self, schema: Schema, config: StackConfig, declaration: Declaration, live: Live) -> None:
        aliases = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=FORMER_TYPE)])
        super().__init__(TYPE, "monitoring", None, aliases)
        self._tags = config.settings.tags
        self._topic = sns.Topic(TOPIC, name=config.topic_name, tags=self._tags, opts=self._child())
        for resource, (protocol, endpoint) in subscriptions(config).items():
            sns.TopicSubscription(
                resource, topic=self._topic.arn, protocol=protocol, endpoint=endpoint, opts=self._child()
            )
        cloudwatch.Dashboard(
            DASHBOARD,
            dashboard_name=config.dashboard_name,
            dashboard_body=dashboard(schema, config, declaration, live),
            opts=self._child(),
        )
        for alarm in alarms(schema, config, declaration, live):
            self._declare_alarm(alarm)
        self.topic_arn = self._topic.arn
        self.register_outputs({"topicArn": self.topic_arn})

    def _declare_alarm(self, alarm: Alarm) -> None:
        cloudwatch.MetricAlarm(
            alarm.resource,
            name=alarm.name,
            alarm_description=alarm.description,
            metric_queries=_queries(alarm),
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.evaluation_periods,
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic.arn],
            ok_actions=[self._topic.arn],
            tags=self._tags,
            opts=self._child(),
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)


def _queries(alarm: Alarm) -> list[Mapping[str, Any]]:
    """The expression, and each metric that it reads."""
    result = {"id": RESULT, "expression": alarm.expression, "label": alarm.resource, "return_data": True}
    metrics = [
        {
            "id": id,
            "metric": {
                "namespace": NAMESPACE,
                "metric_name": metric.name,
                "dimensions": dict(metric.dimensions),
                "period": alarm.period,
                "stat": metric.stat,
            },
            "return_data": False,
        }
        for id, metric in alarm.metrics.items()
    ]
    return [result, *metrics]
