"""aws:cloudwatch/metricAlarm:MetricAlarm, of metric math alone, and aws:cloudwatch/dashboard:Dashboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.aws_plugin.resource import (
    UNKNOWN,
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
    from types_boto3_cloudwatch import CloudWatchClient


class _Metric(Strict):
    namespace: str
    metric_name: str
    period: int
    stat: str
    dimensions: dict[str, str] | None = None


class _Query(Strict):
    id: str
    expression: str | None = None
    label: str | None = None
    metric: _Metric | None = None
    return_data: bool | None = None


class _AlarmInputs(Strict):
    name: str
    comparison_operator: str
    evaluation_periods: int
    threshold: float
    metric_queries: list[_Query]
    alarm_description: str | None = None
    treat_missing_data: str | None = None
    actions_enabled: bool | None = None
    alarm_actions: list[str] | None = None
    ok_actions: list[str] | None = None
    datapoints_to_alarm: int | None = None
    tags: dict[str, str] | None = None
    # Known to the program only after an import, which fills them in.
    tags_all: dict[str, str] | None = None
    region: str | None = None


_UPDATING = (
    "actionsEnabled",
    "alarmActions",
    "alarmDescription",
    "comparisonOperator",
    "datapointsToAlarm",
    "evaluationPeriods",
    "metricQueries",
    "okActions",
    "tags",
    "threshold",
    "treatMissingData",
)


class AlarmType(ResourceType["CloudWatchClient"]):
    """Alarms, by name. Updating one is putting it again, but for its tags."""

    INPUTS = _AlarmInputs

    @property
    def defaults(self) -> Properties:
        return {"actionsEnabled": True, "treatMissingData": "missing"}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        both = [query for query in inputs.get("metricQueries") or [] if query.get("expression") and query.get("metric")]
        text = "No metric_query may have both `expression` and a `metric` specified"
        return super().check(inputs) + [("metricQueries", text) for _ in both]

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        return differing(_comparable(state), _comparable(inputs), replacing=("name",), updating=_UPDATING)

    def create(self, inputs: Properties, timeout: float) -> Found:
        self._put("creating", inputs)
        return self._found(inputs["name"])

    def read(self, id: str, state: Properties) -> Found | None:
        alarms: Any = self._client.describe_alarms(AlarmNames=[id], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not alarms:
            return None
        tags = self._client.list_tags_for_resource(ResourceARN=alarms[0]["AlarmArn"])["Tags"]
        return _found_alarm(alarms[0], tags_of(tags), self._client.meta.region_name)

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        changed = set(self.diff(state, inputs).changed)
        if changed - {"tags", "tagsAll"}:
            self._put("updating", inputs)
        if "tags" in changed:
            self._set_tags(state, inputs, ResourceARN=state["arn"])
        return self._found(id)

    def delete(self, state: Properties, timeout: float) -> None:
        self._client.delete_alarms(AlarmNames=[state["name"]])

    def _put(self, doing: str, inputs: Properties) -> None:
        request: dict[str, Any] = {
            "AlarmName": inputs["name"],
            "AlarmDescription": inputs.get("alarmDescription"),
            "ActionsEnabled": inputs.get("actionsEnabled", True),
            "AlarmActions": inputs.get("alarmActions") or [],
            "OKActions": inputs.get("okActions") or [],
            "Metrics": [_requested(query) for query in inputs["metricQueries"]],
            "EvaluationPeriods": inputs["evaluationPeriods"],
            "DatapointsToAlarm": inputs.get("datapointsToAlarm"),
            "Threshold": inputs["threshold"],
            "ComparisonOperator": inputs["comparisonOperator"],
            "TreatMissingData": inputs.get("treatMissingData"),
            "Tags": tag_list(inputs.get("tags") or {}),
        }
        try:
            self._client.put_metric_alarm(**{name: value for name, value in request.items() if value is not None})
        except ClientError as error:
            raise PluginError(
                f"{doing} CloudWatch Metric Alarm ({inputs['name']}): {said(error, 'CloudWatch')}"
            ) from error

    def _found(self, name: str) -> Found:
        return self._made(f"reading CloudWatch Metric Alarm ({name})", name, {})


class _DashboardInputs(Strict):
    dashboard_name: str
    dashboard_body: str
    region: str | None = None


class DashboardType(ResourceType["CloudWatchClient"]):
    """Dashboards, by name. Bodies that mean the same are the same."""

    INPUTS = _DashboardInputs

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        found = super().check(inputs)
        try:
            _parsed(inputs)
        except ValueError:
            found.append(("dashboardBody", '"dashboard_body" contains an invalid JSON'))
        return found

    def diff(self, state: Properties, inputs: Properties) -> Difference:
        return differing(_parsed(state), _parsed(inputs), replacing=("dashboardName",), updating=("dashboardBody",))

    def planned(self, inputs: Properties) -> Properties:
        return {**inputs, "dashboardArn": UNKNOWN}

    def create(self, inputs: Properties, timeout: float) -> Found:
        name = inputs["dashboardName"]
        try:
            self._client.put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
        except ClientError as error:
            raise PluginError(f"putting CloudWatch Dashboard ({name}): {said(error, 'CloudWatch')}") from error
        return self._made(f"reading CloudWatch Dashboard ({name})", name, {})

    def read(self, id: str, state: Properties) -> Found | None:
        try:
            found = self._client.get_dashboard(DashboardName=id)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"ResourceNotFound", "DashboardNotFoundError"}:
                return None
            raise
        inputs: Properties = {"dashboardName": id, "dashboardBody": found["DashboardBody"]}
        return Found(id=id, inputs=inputs, state={**inputs, "dashboardArn": found["DashboardArn"]})

    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        return self.create(inputs, timeout)

    def delete(self, state: Properties, timeout: float) -> None:
        if self.read(state["dashboardName"], state) is not None:
            self._client.delete_dashboards(DashboardNames=[state["dashboardName"]])


def _comparable(alarm: Properties) -> Properties:
    """An alarm in a form in which equal ones are equal: the real plugin compares queries and actions as sets, and
    empty ones as left out."""
    sets = {name: sorted(alarm.get(name) or []) for name in ("alarmActions", "okActions")}
    queries = sorted(
        (_plain_query(query) for query in alarm.get("metricQueries") or []), key=lambda one: str(one["id"])
    )
    return {**alarm, **sets, "metricQueries": queries, "tags": alarm.get("tags") or {}}


def _plain_query(query: Properties) -> Properties:
    plain = {name: value for name, value in query.items() if value not in (None, "")}
    if plain.get("metric"):
        plain["metric"] = {name: value for name, value in plain["metric"].items() if value not in (None, {})}
    return {**plain, "returnData": bool(query.get("returnData"))}


def _requested(query: Properties) -> dict[str, Any]:
    request: dict[str, Any] = {"Id": query["id"], "ReturnData": bool(query.get("returnData"))}
    if query.get("label"):
        request["Label"] = query["label"]
    if query.get("expression"):
        request["Expression"] = query["expression"]
    metric = query.get("metric")
    if metric:
        dimensions = metric.get("dimensions") or {}
        request["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metricName"],
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
    return request


def _found_alarm(alarm: Any, labels: dict[str, str], region: str) -> Found:
    inputs: Properties = {
        "name": alarm["AlarmName"],
        "comparisonOperator": alarm["ComparisonOperator"],
        "evaluationPeriods": alarm["EvaluationPeriods"],
        "threshold": alarm["Threshold"],
        "treatMissingData": alarm.get("TreatMissingData") or "missing",
        "actionsEnabled": alarm["ActionsEnabled"],
        "metricQueries": [_found_query(query) for query in alarm.get("Metrics", [])],
        "region": region,
    }
    given = {
        "alarmDescription": alarm.get("AlarmDescription"),
        "alarmActions": alarm.get("AlarmActions"),
        "okActions": alarm.get("OKActions"),
        "datapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "tags": labels,
        "tagsAll": labels,
    }
    inputs |= {name: value for name, value in given.items() if value}
    return Found(id=alarm["AlarmName"], inputs=inputs, state={**inputs, "arn": alarm["AlarmArn"]})


def _found_query(query: Any) -> Properties:
    found: Properties = {"id": query["Id"], "returnData": bool(query.get("ReturnData"))}
    if query.get("Label"):
        found["label"] = query["Label"]
    if query.get("Expression"):
        found["expression"] = query["Expression"]
    stat = query.get("MetricStat")
    if stat:
        metric = stat["Metric"]
        found["metric"] = {
            "namespace": metric["Namespace"],
            "metricName": metric["MetricName"],
            "period": int(stat["Period"]),
            "stat": stat["Stat"],
        }
        if metric.get("Dimensions"):
            found["metric"]["dimensions"] = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    return found


def _parsed(dashboard: Properties) -> Properties:
    """The dashboard with its body as what it means."""
    body = dashboard.get("dashboardBody")
    return {**dashboard, "dashboardBody": body if body in {None, UNKNOWN} else json.loads(str(body))}
