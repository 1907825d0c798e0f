"""Which options of Pulumi's aws provider the tasks obey, which make no difference to them, and which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_aws.config import vars as provider_keys

from schema.errors import UsageError
from stack.file.provider import HARMLESS, OBEYED, REFUSED, ProviderOptions, provider_options, seconds

STACK_FILE = Path("Pulumi.test.yaml")


def options(**values: Any) -> ProviderOptions:
    """The options of a stack in us-east-1, with these of the provider besides."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return provider_options({"region": "us-east-1", **texts}, STACK_FILE)


def refused(**values: Any) -> UsageError:
    with pytest.raises(UsageError) as error:
        options(**values)
    return error.value


def known_to_the_sdk() -> set[str]:
    """The keys of the `aws:` namespace, as the SDK's own reader of them has them."""
    return {
        _camel(name) for name, found in vars(provider_keys._ExportableConfig).items() if isinstance(found, property)
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def test_every_option_of_the_provider_is_on_exactly_one_list() -> None:
    assert OBEYED | HARMLESS | REFUSED.keys() == known_to_the_sdk()
    assert len(OBEYED) + len(HARMLESS) + len(REFUSED) == len(OBEYED | HARMLESS | REFUSED.keys())


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_the_tasks_cannot_obey_is_refused_by_name(name: str) -> None:
    error = refused(**{name: "x"})
    assert (error.what, error.next) == (f"Pulumi.test.yaml: aws:{name} is refused.", REFUSED[name])


def test_what_makes_no_difference_to_the_tasks_is_allowed() -> None:
    assert options(defaultTags={"tags": {"Team": "a"}}, maxRetries="3") == options()


def test_credentials_are_taken_as_they_are_given() -> None:
    found = options(accessKey="id", secretKey="key", token="session", useFipsEndpoint="true")
    assert (found.access_key, found.secret_key, found.token, found.fips) == ("id", "key", "session", True)
    assert "key=" not in repr(found)


def test_roles_are_taken_on_in_their_order_with_all_that_is_said_of_them() -> None:
    first = {"roleArn": "arn:aws:iam::1:role/a", "sessionName": "ci", "duration": "1h30m", "externalId": "x"}
    second = {
        "roleArn": "arn:aws:iam::2:role/b",
        "policyArns": ["arn:aws:iam::2:policy/p"],
        "tags": {"Team": "a"},
        "transitiveTagKeys": ["Team"],
        "sourceIdentity": "jane",
        "policy": "{}",
    }
    roles = options(assumeRoles=[first, second]).roles
    assert [role.role_arn for role in roles] == ["arn:aws:iam::1:role/a", "arn:aws:iam::2:role/b"]
    assert roles[0].request() == {"DurationSeconds": 5400, "ExternalId": "x", "RoleSessionName": "ci"}
    assert roles[1].request() == {
        "Policy": "{}",
        "PolicyArns": [{"arn": "arn:aws:iam::2:policy/p"}],
        "SourceIdentity": "jane",
        "Tags": [{"Key": "Team", "Value": "a"}],
        "TransitiveTagKeys": ["Team"],
    }


@pytest.mark.parametrize(
    ("values", "what", "why"),
    [
        ({"assumeRoles": [{"roleARN": "x"}]}, "aws:assumeRoles has a wrong value", "0.roleArn: Field required."),
        ({"assumeRoles": "x"}, "aws:assumeRoles has a wrong value", ""),
        (
            {"assumeRoles": [{"roleArn": "x", "duration": "1 h"}]},
            "aws:assumeRoles has a wrong value",
            "'1 h' is no dur",
        ),
        ({"assumeRoleWithWebIdentity": {"roleArn": "x"}}, "aws:assumeRoleWithWebIdentity has a wrong value", "It has "),
        ({"useFipsEndpoint": "yes"}, "aws:useFipsEndpoint has a wrong value", "It is true or false."),
        ({"token": "x"}, "aws:token and aws:accessKey go together", "A token belongs to its access key."),
        ({"assumeRole": "x"}, "unknown config key aws:assumeRole", "It would otherwise be ignored in silence."),
    ],
)
def test_a_wrong_value_is_one_clear_error(values: dict[str, Any], what: str, why: str) -> None:
    error = refused(**values)
    assert error.what == f"Pulumi.test.yaml: {what}."
    assert error.why.startswith(why)


@pytest.mark.parametrize(("text", "expected"), [("1h", 3600), ("1h30m", 5400), ("90m", 5400), ("3600s", 3600)])
def test_durations_are_written_as_in_go(text: str, expected: int) -> None:
    assert seconds(text) == expected
