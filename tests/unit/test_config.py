"""A stack file is read once and every fault in it is one clear error."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, get_origin

import pytest
from pydantic.alias_generators import to_camel

from schema.errors import UsageError
from schema.project import Project
from schema.references import IndexRef
from sitelogix.project import PROJECT
from sitelogix.tables import SITELOGIX
from stack.file.config import StackConfig, config_of, reference_of
from stack.file.document import read_stack_file
from stack.file.settings import Settings
from stack.file.strict_yaml import read
from tests.configured import configured, resolved

CHECKOUT = Path(__file__).resolve().parents[2]
GOOD = """\
config:
  aws:region: us-east-1
  sitelogix:account: "123456789012"
  sitelogix:tablePrefix: sitelogix-
  sitelogix:backend: file://.local/state
"""
HOT = "sitelogix:acceptedHotKeys.reports/GSI3-StatusIndex"
SIGNED = "reason: a, by: b, at: '2026-01-01'"
FAULTS = [
    (GOOD + "  sitelogix:tabelPrefix: x\n", "unknown config key sitelogix:tabelPrefix", "Did you mean tablePrefix?"),
    (
        GOOD.replace("tablePrefix", "tabelPrefix"),
        "unknown config key sitelogix:tabelPrefix",
        "Did you mean tablePrefix?",
    ),
    (GOOD + "  sitelogics:account: x\n", "unknown config key sitelogics:account", "Did you mean sitelogix:account?"),
    (GOOD + "  aws:endpoint: x\n", "unknown config key aws:endpoint", "Did you mean aws:endpoints?"),
    (GOOD + "encriptionsalt: x\n", "unknown top-level key encriptionsalt", "Did you mean encryptionsalt?"),
    (GOOD.replace('"123456789012"', '"12"'), "sitelogix:account has a wrong value: '12'", ""),
    (GOOD.replace("sitelogix-\n", "site/logix\n"), "sitelogix:tablePrefix has a wrong value: 'site/logix'", ""),
    (GOOD.replace('  sitelogix:account: "123456789012"\n', ""), "sitelogix:account is missing", ""),
    (GOOD.replace("  aws:region: us-east-1\n", ""), "aws:region is missing", ""),
    (GOOD.replace("us-east-1", "us-east1"), "unknown aws:region: us-east1", "Did you mean us-east-1?"),
    (GOOD.replace("file://", "s4://"), "sitelogix:backend has a wrong value: 's4://.local/state'", ""),
    (
        GOOD + "  aws:endpoints: [{dynamo: http://localhost:1}]\n",
        "unknown service dynamo in aws:endpoints",
        "Did you mean",
    ),
    (GOOD + "  aws:endpoints: http://127.0.0.1:1\n", "aws:endpoints has a wrong value", ""),
    (GOOD + "  aws:endpoints: [{dynamodb: 'localhost:1'}]\n", "aws:endpoints has a wrong value", ""),
    (GOOD + "  sitelogix:indexTimeoutMinutes: soon\n", "sitelogix:indexTimeoutMinutes has a wrong value: 'soon'", ""),
    (
        GOOD + "  sitelogix:replaceStreams: [report]\n",
        "unknown sitelogix:replaceStreams: report",
        "Did you mean reports?",
    ),
    (GOOD + "  sitelogix:keepStream: [report]\n", "unknown sitelogix:keepStream: report", "Did you mean reports?"),
    (
        GOOD + "  sitelogix:keepStream: [reports]\n  sitelogix:replaceStreams: [vendors, reports]\n",
        "sitelogix:keepStream and sitelogix:replaceStreams both name reports",
        "Edit",
    ),
    (
        GOOD + "  sitelogix:acceptedViolations: {constraint: 1}\n",
        "unknown sitelogix:acceptedViolations: constraint",
        "",
    ),
    (
        GOOD + "  sitelogix:approvals: {personnel/GSI2-ProjektIndex: {applicationUpdated: true, testsPassed: true,"
        ' by: a, at: "2025-11-04"}}\n',
        "unknown sitelogix:approvals: personnel/GSI2-ProjektIndex",
        "Did you mean personnel/GSI2-ProjectIndex?",
    ),
    (
        GOOD + "  sitelogix:approvals: {personnel/GSI2-ProjectIndex: {applicationUpdated: true}}\n",
        "sitelogix:approvals.personnel/GSI2-ProjectIndex.testsPassed is missing",
        "",
    ),
    (
        GOOD + "  sitelogix:approvals: {personnel/GSI2-ProjectIndex: {applicationUpdated: true, testsPassed: true,"
        ' by: a, at: "2025-11-04", commit: "012345678901"}}\n',
        "sitelogix:approvals.personnel/GSI2-ProjectIndex has a wrong value: {'applicationUpdated': True, "
        "'testsPassed': True, 'by': 'a', 'at': '2025-11-04', 'commit': '012345678901'}",
        "",
    ),
    (GOOD + "  sitelogix:promotesFrom: {stack: test}\n", "sitelogix:promotesFrom.stack is this stack itself", ""),
    (
        GOOD + "  sitelogix:promotesFrom: {stack: staging, cleanHour: 24}\n",
        "unknown config key sitelogix:promotesFrom.cleanHour",
        "Did you mean cleanHours?",
    ),
    (
        GOOD + "  sitelogix:promotesFrom: {stack: staging, cleanHours: 0}\n",
        "sitelogix:promotesFrom.cleanHours has a wrong value: 0",
        "",
    ),
    (
        GOOD + "  sitelogix:promotesFrom: {stack: staging, digest: 'sha256:12'}\n",
        "sitelogix:promotesFrom.digest has a wrong value: 'sha256:12'",
        "",
    ),
    (
        GOOD + "  sitelogix:promotesFrom: {stack: staging, kmsKey: alias/key}\n",
        "sitelogix:promotesFrom.kmsKey has a wrong value: 'alias/key'",
        "",
    ),
    (
        GOOD + "  sitelogix:promotesFrom: {stack: staging, role: reader}\n",
        "sitelogix:promotesFrom.role has a wrong value: 'reader'",
        "",
    ),
    (
        GOOD + "  sitelogix:checks: {'../smoke': 'true'}\n",
        "sitelogix:checks.../smoke.[key] has a wrong value: '../smoke'",
        "",
    ),
    (
        GOOD + '  sitelogix:checks: {smoke: "echo \'x"}\n',
        'sitelogix:checks.smoke has a wrong value: "echo \'x"',
        "",
    ),
    (GOOD + "  sitelogix:checks: {smoke: ' '}\n", "sitelogix:checks.smoke has a wrong value: ' '", ""),
    (
        GOOD
        + "  sitelogix:overrides: [{rule: verified, reason: a, by: b, at: '2026-01-01', commit: '012345678901'}]\n",
        "sitelogix:overrides.0.rule has a wrong value: 'verified'",
        "",
    ),
    (
        f"{GOOD}  sitelogix:overrides: [{{rule: checks, {SIGNED}, commit: main}}]\n",
        "sitelogix:overrides.0.commit has a wrong value: 'main'",
        "",
    ),
    (
        GOOD + "  sitelogix:backfill: {writers: single}\n",
        "unknown config key sitelogix:backfill.writers",
        "Did you mean writer?",
    ),
    (
        GOOD + "  sitelogix:watch: {minutes: 0}\n",
        "unknown config key sitelogix:watch",
        "Did you mean lateWriters?",
    ),
    (
        GOOD + "  sitelogix:loadTest: {maxRate: 5}\n",
        "unknown config key sitelogix:loadTest.maxRate",
        "Did you mean maximumRate?",
    ),
    (GOOD + "  sitelogix:loadTest: {maximumRate: 0}\n", "sitelogix:loadTest.maximumRate has a wrong value: 0", ""),
    (GOOD + "  sitelogix:loadTest: {writeShare: 1}\n", "sitelogix:loadTest.writeShare has a wrong value: 1", ""),
    (GOOD + "  sitelogix:loadTest: {allowed: 'yes'}\n", "sitelogix:loadTest.allowed has a wrong value: 'yes'", ""),
    (
        GOOD + "  sitelogix:loadTest: {weights: {project timelines: 2}}\n",
        "unknown sitelogix:loadTest.weights: project timelines",
        "Did you mean project timeline?",
    ),
    (
        GOOD + "  sitelogix:lateWriters: {minute: 0}\n",
        "unknown config key sitelogix:lateWriters.minute",
        "Did you mean minutes?",
    ),
    (GOOD + "  sitelogix:backfill: {rate: 0}\n", "sitelogix:backfill.rate has a wrong value: 0", ""),
    (GOOD + "  sitelogix:backfill: {share: 2}\n", "sitelogix:backfill.share has a wrong value: 2", ""),
    (GOOD + "  sitelogix:backfill: {workers: 65}\n", "sitelogix:backfill.workers has a wrong value: 65", ""),
    (GOOD + "  sitelogix:backfill: {writer: fast}\n", "sitelogix:backfill.writer has a wrong value: 'fast'", ""),
    (
        GOOD + "  sitelogix:acceptedHotKeys: {reports/GSI3-StateIndex: 1.0}\n",
        "unknown sitelogix:acceptedHotKeys: reports/GSI3-StateIndex",
        "Did you mean reports/GSI3-StatusIndex?",
    ),
    (
        GOOD + "  sitelogix:acceptedHotKeys: {reports/GSI3-StatusIndex: 90}\n",
        "sitelogix:acceptedHotKeys.reports/GSI3-StatusIndex has a wrong value: 90",
        "",
    ),
    (GOOD + "  sitelogix:acceptedHotKeys: {reports/GSI3-StatusIndex: yes}\n", f"{HOT} has a wrong value: True", ""),
    (GOOD + "  sitelogix:backfill: {rate: .inf}\n", "sitelogix:backfill.rate has a wrong value: inf", ""),
    (GOOD + "  sitelogix:backfill: {rate: .nan}\n", "sitelogix:backfill.rate has a wrong value: nan", ""),
    (GOOD + "  sitelogix:backfill: {rate: yes}\n", "sitelogix:backfill.rate has a wrong value: True", ""),
    (GOOD.replace("9012", "901\u0662"), "sitelogix:account has a wrong value: '12345678901\u0662'", ""),
    (
        GOOD.replace("file://", "file:///nowhere/"),
        "sitelogix:backend has a wrong value: 'file:///nowhere/.local/state'",
        "",
    ),
    (GOOD + "  aws:endpoints: [{sts: 'http://127.0.0.1:0'}]\n", "aws:endpoints has a wrong value", ""),
    (GOOD + "  aws:endpoints: [{sts: 'http://127.0.0.1:65536'}]\n", "aws:endpoints has a wrong value", ""),
    (GOOD + "  aws:endpoints: [{sts: 'http://127.0.0.1:1/path'}]\n", "aws:endpoints has a wrong value", ""),
    (GOOD + "  aws:secretKey: test\n", "aws:accessKey and aws:secretKey go together", ""),
    (GOOD + "secretsprovider: 5\n", "secretsprovider has a wrong value", ""),
    (GOOD + GOOD, "it is not YAML", ""),
    (GOOD + "  aws:region: us-east-1\n", "it is not YAML", ""),
    (GOOD + "  sitelogix:tags: {day: 2025-13-01}\n", "it is not YAML", ""),
    ("[" * 5000, "it is not YAML", ""),
    ("config: [\n", "it is not YAML", ""),
    ("name: sitelogix\n", "it has no `config:` section", ""),
    ("", "it has no `config:` section", ""),
]


def write(directory: Path, text: str) -> None:
    (directory / "Pulumi.yaml").write_text("name: sitelogix\n", encoding="utf-8")
    (directory / "Pulumi.test.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("text", "what", "then"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_fault_in_a_stack_file_is_one_clear_error(tmp_path: Path, text: str, what: str, then: str) -> None:
    write(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        configured("test", tmp_path, PROJECT)
    assert refused.value.exit_code == 2
    assert refused.value.what == f"Pulumi.test.yaml: {what}."
    assert refused.value.next.startswith(then)


@pytest.mark.parametrize("setting", ["contact", "tablePrefix", "approvals"])
def test_a_setting_that_reports_show_cannot_be_a_secret(tmp_path: Path, setting: str) -> None:
    write(tmp_path, GOOD + "  sitelogix:contact: jane@example.com\n  sitelogix:approvals: {}\n")
    with pytest.raises(UsageError) as refused:
        configured("test", tmp_path, PROJECT, frozenset({f"sitelogix:{setting}"}))
    assert refused.value.what == f"Pulumi.test.yaml: sitelogix:{setting} is a secret."
    assert "jane" not in str(refused.value)


def test_a_wrong_value_of_a_secret_setting_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path, GOOD + "  sitelogix:subscriptions: [{protocol: fax, endpoint: T0CK3N}]\n")
    with pytest.raises(UsageError) as refused:
        configured("test", tmp_path, PROJECT, frozenset({"sitelogix:subscriptions"}))
    assert refused.value.what == "Pulumi.test.yaml: sitelogix:subscriptions.0.protocol has a wrong value: [secret]."
    assert "T0CK3N" not in str(refused.value)


OTHERS = "  aws:defaultTags: {tags: {Team: a}}\n  pulumi:tags: {Team: a}\n  datadog:site: eu\n"


def test_the_settings_of_other_packages_are_theirs(tmp_path: Path) -> None:
    write(tmp_path, GOOD + OTHERS)
    assert configured("test", tmp_path, PROJECT).settings == configured_from(GOOD, tmp_path).settings


def configured_from(text: str, directory: Path) -> StackConfig:
    write(directory, text)
    return configured("test", directory, PROJECT)


@pytest.mark.parametrize("stack", ["organization/test", "organization/sitelogix/test", "test"])
def test_a_stack_in_a_backend_of_one_s_own_may_be_named_in_full(tmp_path: Path, stack: str) -> None:
    write(tmp_path, GOOD)
    assert reference_of(stack, read_stack_file(stack, tmp_path, PROJECT)) == "test"


@pytest.mark.parametrize(
    ("stack", "backend", "what"),
    [
        ("acme/sitelogix/test", "s3://states", "Stack test is asked for in organization acme."),
        ("organization/orders/test", "s3://states", "Stack test is asked for in project orders, and"),
        (
            "acme/orders/test",
            "https://api.pulumi.com",
            "Stack test is asked for in project orders, and this is project",
        ),
    ],
)
def test_a_stack_of_another_project_or_organization_is_refused(
    tmp_path: Path, stack: str, backend: str, what: str
) -> None:
    write(tmp_path, GOOD.replace("file://.local/state", backend))
    with pytest.raises(UsageError) as refused:
        reference_of(stack, read_stack_file(stack, tmp_path, PROJECT))
    assert refused.value.what.startswith(what)


@pytest.mark.parametrize("stack", ["acme/sitelogix/test", "acme/test", "test"])
def test_on_pulumi_s_service_the_organization_stays_in_the_name(tmp_path: Path, stack: str) -> None:
    write(tmp_path, GOOD.replace("file://.local/state", "https://api.pulumi.com"))
    file = read_stack_file(stack, tmp_path, PROJECT)
    config = config_of(reference_of(stack, file), file.path, PROJECT, resolved(file))
    assert (config.stack, config.name, config.stack_file.name) == (stack, "test", "Pulumi.test.yaml")


@pytest.mark.parametrize("stack", ["tset", "", "../test", "test.yaml", "a b", "a/b/c/test", "/test", "sitelogix//test"])
def test_an_unknown_stack_names_those_that_there_are(tmp_path: Path, stack: str) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(UsageError, match=r"There is no stack") as refused:
        configured(stack, tmp_path, PROJECT)
    assert "there are: test" in refused.value.why


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: sitelogics\n", "Pulumi.yaml: the name is 'sitelogics', and the project's is 'sitelogix'."),
        ("runtime: python\n", "Pulumi.yaml: the name is None, and the project's is 'sitelogix'."),
        ("", "Pulumi.yaml: the name is None, and the project's is 'sitelogix'."),
        ("name: [\n", "Pulumi.yaml: it is not YAML."),
        (None, "Pulumi.yaml: it cannot be read."),
    ],
)
def test_a_pulumi_project_of_another_name_is_refused(tmp_path: Path, text: str | None, what: str) -> None:
    write(tmp_path, GOOD)
    if text is None:
        (tmp_path / "Pulumi.yaml").unlink()
    else:
        (tmp_path / "Pulumi.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        configured("test", tmp_path, PROJECT)
    assert refused.value.what == what


def test_the_namespace_of_the_settings_is_the_project_s_name(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("sitelogix:", "orders:"))
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n", encoding="utf-8")
    config = configured("test", tmp_path, Project("orders", SITELOGIX))
    assert (config.project, config.settings.account) == ("orders", "123456789012")
    assert config.setting("account") == "orders:account"


@pytest.mark.parametrize(
    ("setting", "what", "then"),
    [
        ("orders:tabelPrefix: x", "unknown config key orders:tabelPrefix", "Did you mean tablePrefix?"),
        ("orders:backfill: {rate: 0}", "orders:backfill.rate has a wrong value: 0", "Edit"),
        ("orders:replaceStreams: [report]", "unknown orders:replaceStreams: report", "Did you mean reports?"),
        ("order:contact: x", "unknown config key order:contact", "Did you mean orders:contact?"),
    ],
)
def test_an_error_names_the_setting_as_it_stands_in_the_file(
    tmp_path: Path, setting: str, what: str, then: str
) -> None:
    write(tmp_path, f"{GOOD.replace('sitelogix:', 'orders:')}  {setting}\n")
    (tmp_path / "Pulumi.yaml").write_text("name: orders\n", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        configured("test", tmp_path, Project("orders", SITELOGIX))
    assert refused.value.what == f"Pulumi.test.yaml: {what}."
    assert refused.value.next.startswith(then)


DECLARED = {
    folder: read((CHECKOUT / folder / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    for folder in (".", "examples/orders")
}
"""The settings as Pulumi.yaml declares them, by the project's folder."""
TYPES = {str: "string", int: "integer", list: "array"}
REQUIRED = {"account", "tablePrefix", "backend"}


def kind_of(annotation: Any) -> str | None:
    """The type of a setting in the words of Pulumi's schema, which has none for a number with a fraction."""
    if isinstance(annotation, UnionType):
        annotation = annotation.__args__[0]
    annotation = get_origin(annotation) or annotation
    return None if annotation is float else TYPES.get(annotation, "object")


@pytest.mark.parametrize("folder", DECLARED)
def test_pulumi_yaml_declares_every_setting_with_its_type(folder: str) -> None:
    kinds = {to_camel(name): kind_of(field.annotation) for name, field in Settings.model_fields.items()}
    assert {name: declared.get("type") for name, declared in DECLARED[folder].items()} == kinds


@pytest.mark.parametrize("folder", DECLARED)
def test_the_default_that_pulumi_yaml_declares_is_the_one_that_counts(folder: str) -> None:
    declared = DECLARED[folder]
    assert {name for name, setting in declared.items() if "default" not in setting} == REQUIRED
    given = {"account": "123456789012", "tablePrefix": "", "backend": "file://.local/state"}
    defaults = {name: setting["default"] for name, setting in declared.items() if name not in REQUIRED}
    assert Settings.model_validate({**given, **defaults}) == Settings.model_validate(given)


def test_both_projects_declare_the_same_settings_in_the_same_words() -> None:
    ours, theirs = DECLARED.values()
    assert ours == theirs
    assert all(setting["description"] for setting in ours.values())


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_stack_file_of_the_project_is_valid(stack: str) -> None:
    assert configured(stack, CHECKOUT, PROJECT).stack == stack


def test_only_the_local_stack_approves_the_removal_of_the_old_index() -> None:
    approvals = {stack: configured(stack, CHECKOUT, PROJECT).settings.approvals for stack in ("staging", "prod")}
    assert approvals == {"staging": {}, "prod": {}}
    assert list(configured("local", CHECKOUT, PROJECT).settings.approvals) == [
        IndexRef("personnel", "GSI2-ProjectIndex")
    ]


def test_prod_has_the_required_table_names() -> None:
    config = configured("prod", CHECKOUT, PROJECT)
    assert [config.physical_name(table.name) for table in SITELOGIX] == [
        "sitelogix-reports",
        "sitelogix-personnel",
        "sitelogix-vendors",
        "sitelogix-constraints",
        "sitelogix-work-logs",
        "sitelogix-ai-analysis-cache",
    ]


def test_a_relative_backend_lies_in_the_checkout(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert configured("test", tmp_path, PROJECT).backend_url == f"file://{tmp_path}/.local/state"


def test_a_backend_elsewhere_is_used_as_written(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("file://.local/state", "s3://states?region=us-east-1"))
    assert configured("test", tmp_path, PROJECT).backend_url == "s3://states?region=us-east-1"
