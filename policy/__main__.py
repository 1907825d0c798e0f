"""The policy pack: each rule of dynamodb_rules.py as a policy, with its level and its configuration."""

from __future__ import annotations

from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from dynamodb_rules import (
    INDEX,
    TABLE,
    Options,
    Rule,
    deletion_protection,
    expected,
    index_stays_until_deleted,
    kept,
    no_inline_index,
    recovery,
    stream,
    tags,
    unknown,
)

TEXTS = {"type": "array", "items": {"type": "string"}}
EXPECTED = {"tables": {**TEXTS, "default": []}, "indexes": {**TEXTS, "default": []}}


def options_of(found: PolicyResourceOptions) -> Options:
    """A resource's options, as far as a rule asks for them."""
    return Options(found.protect, tuple(found.ignore_changes or ()), bool(found.delete_before_replace))


def of_resource(
    name: str, resource_type: str, rule: Rule, properties: dict[str, Any] | None = None
) -> ResourceValidationPolicy:
    """A policy that asks a rule of each resource of a type."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type == resource_type:
            config = args.get_config()
            for violation in (*unknown(config, properties), *rule(args.props, options_of(args.opts), config)):
                report(violation, None)

    return ResourceValidationPolicy(
        name=name,
        description=(rule.__doc__ or name).strip(),
        validate=validate,
        config_schema=PolicyConfigSchema(properties) if properties else None,
    )


def known(resource: PolicyResource, name: str) -> str:
    """A property of a planned resource; no name at all where it is not known before it exists."""
    try:
        return str(resource.props.get(name))
    except UnknownValueError:
        return ""


def expected_resources(args: StackValidationArgs, report: ReportViolation) -> None:
    """Tables and indexes that a stack has to have are declared."""
    names = {known(each, "name") for each in args.resources if each.resource_type == TABLE}
    indexes = {
        (known(each, "tableName"), known(each, "indexName")) for each in args.resources if each.resource_type == INDEX
    }
    config = args.get_config()
    for violation in (*unknown(config, EXPECTED), *expected(names, indexes, config)):
        report(violation, None)


POLICIES: list[Policy] = [
    of_resource("table-kept", TABLE, kept),
    of_resource("table-deletion-protection", TABLE, deletion_protection),
    of_resource("table-recovery", TABLE, recovery),
    of_resource("table-stream", TABLE, stream, {"viewTypes": {**TEXTS, "default": ["NEW_AND_OLD_IMAGES"]}}),
    of_resource("table-no-inline-index", TABLE, no_inline_index),
    of_resource(
        "table-tags",
        TABLE,
        tags,
        {"required": {**TEXTS, "default": []}, "exceptIgnored": {"type": "boolean", "default": True}},
    ),
    of_resource("index-kept", INDEX, index_stays_until_deleted),
    StackValidationPolicy(
        name="expected-resources",
        description=(expected_resources.__doc__ or "").strip(),
        validate=expected_resources,
        config_schema=PolicyConfigSchema(EXPECTED),
    ),
]

PolicyPack("dynamodb-tables", POLICIES, enforcement_level=EnforcementLevel.MANDATORY)
