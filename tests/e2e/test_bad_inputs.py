"""Everything that can be put in wrongly, one row each: one clear error, the documented exit code, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.bad_inputs import Bad, Outcome, case_in, on_trial, prepare
from tests.bad_preparations import (
    KEYS,
    NEVER,
    a_folder_as_stack_file,
    another_passphrase,
    another_table_as_ledger,
    answers,
    aws_configuration,
    denied,
    engine,
    environment,
    ledger,
    local_is_a_file,
    no_schema,
    no_stack_file,
    no_vendors,
    own,
    port,
    schema,
    stack_file,
    staging_at,
    state,
    vendors,
    without_credentials,
)
from tests.bad_rollbacks import ROLLBACKS
from tests.checkouts import Checkout, running
from tests.planted_answers import Planted

HELP = "Run: ./invoke --list, or ./invoke --help TASK"
FILE = "Pulumi.local.yaml"
EDIT = f"Edit {FILE} and run again."
WRONG = "has a wrong value"
UNKNOWN = "It would otherwise be ignored in silence."
CORRECT = "Correct sitelogix/tables.py and run again."
PERSONNEL = "sitelogix:approvals.personnel/GSI2-ProjectIndex"
APPROVE = "approve --table personnel"
STATED = "--application-updated --tests-passed"
INVALID = "The AWS credentials are not valid. | This is planted. | Log in again, then repeat."
ENDED = (
    "AWS no longer accepts the credentials. | This is planted. What was done | Log in again, then repeat: the run goes"
)
GRANT = "This is planted. | Grant that action to these credentials, then repeat."
OTHERS = "These tables belong to stack prod. | Its ledger | Give stack local another sitelogix:tablePrefix"
PAGE = "<html><body>Please sign in</body></html>"
NOT_AWS = "What answers stack staging is not AWS. | It says b'<html>"
MENDED_AT = "Correct the network, or aws:endpoints in Pulumi.staging.yaml; then repeat."
MORE_INDEXES = '*(_index(f"GSI{n}-More", f"a{n}") for n in range(3, 22)),'

# fmt: off
FLAGS = [
    Bad("an unknown task", "migrat", f"No idea what 'migrat' is! | {HELP}"),
    Bad("an unknown task of a group", "local.upp", f"No idea what 'local.upp' is! | {HELP}"),
    Bad("help for an unknown task", "--help nope", f"No idea what 'nope' is! | {HELP}"),
    Bad("an unknown flag", "migrate --stak local", f"No idea what '--stak' is! | {HELP}"),
    Bad("an unknown flag, with --json", "status --json --tabel reports", f"No idea what '--tabel' is! | {HELP}"),
    Bad("a flag of another task", "verify --table reports", f"No idea what '--table' is! | {HELP}"),
    Bad("a flag without its value", "migrate --stack", f"Flag --stack needed value and was not given one! | {HELP}"),
    Bad("a missing positional", "bench", f"'bench' did not receive required positional arguments: 'what' | {HELP}"),
    Bad("a number as a word", "backfill --rate ten", f"'ten' is no whole number. | {HELP}"),
    Bad("a number that is empty", ["history", "--limit", ""], f"'' is no whole number. | {HELP}"),
    Bad("a rate below zero", "backfill --rate -1", "--rate and --workers are positive; | A rate | Correct"),
    Bad("too many workers", "migrate --workers 65", "--rate and --workers are positive; | A rate | Correct"),
    Bad("a time without a unit", "migrate --for 300", "--for 300 has no unit. | Seconds, minutes | Write 300s"),
    Bad("a time that is none", "migrate --for soon", "--for soon is no time. | It is a whole number | Correct"),
    Bad("a watch without a unit", "watch --for 4", "--for 4 has no unit. | Seconds, minutes | Write 4s"),
    Bad("a load test without a rate", "loadtest --for 5s", "--rate is at least 1. | It is requests a | Correct"),
    Bad("a load test without an end", "loadtest --rate 5", "A load test needs --for. | It costs | Add --for 60s."),
    Bad("a load test that cleans and loads", "loadtest --clean --rate 5", "--clean and --rate | It sends | Drop"),
    Bad("a load test beyond its rate", "loadtest --rate 201 --for 5s --yes",
        "Stack local allows at most 200 requests a second, not 201. | Pulumi.local.yaml | Set a lower --rate", 4),
    Bad("a load test that nobody allowed", "loadtest --rate 5 --for 5s --yes",
        "Stack local allows no load test. | It costs units | Where that is right, add sitelogix:loadTest:", 4,
        edit=("    allowed: true", "    allowed: false")),
    Bad("a wrong rate for a resumption", "resume --rate -1", "--rate and --workers are positive; | A rate | Correct",
        given=own(ledger("PAUSE", {"by": "somebody", "at": "2025-11-04T00:00:00Z"}, "CONTROL"))),
    Bad("no history at all", "history --limit 0", "--limit is at least 1. | It is how many | Correct the flag."),
    Bad("no capacity at all", "capacity --table reports --index GSI3-StatusIndex --write 0",
        "--write is at least 1. | It is write units a second. | Correct the flag."),
    Bad("an unknown stack", "migrate --stack prdo", "There is no stack 'prdo'. | A stack is | Did you mean prod?"),
    Bad("an unknown stack to pause", "pause --stack prdo", "There is no stack 'prdo'. | A stack is | Did you mean"),
    Bad("an unknown stack to resume", "resume --stack Local", "There is no stack 'Local'. | A stack is | Did you mean"),
    Bad("an unknown stack for env", "env --stack prdo", "There is no stack 'prdo'. | A stack is | Did you mean prod?"),
    Bad("a stack without a name", ["verify", "--stack", ""], "There is no stack ''. | A stack is | Run: ./invoke"),
    Bad("a path as a stack", "preview --stack ../../etc/passwd", "There is no stack '../../etc/passwd'. | A | Run:"),
    Bad("a shell's words as a stack", ["status", "--stack", "$(touch x)"], "There is no stack '$(touch x)'. | A | Run"),
    Bad("a very long stack", ["plan", "--stack", "x" * 3000], "There is no stack 'xxx | A stack is | Run: ./invoke"),
    Bad("an unknown table", "migrate --table report", "There is no table 'report' | There are: reports, | Did"),
    Bad("an unknown table, with --json", "plan --json --table X", "There is no table 'X' | There are: reports,"),
    Bad("a table without a name", ["migrate", "--table", ""], "There is no table '' in the | There are: reports,"),
    Bad("a shell's words as a table", ["backfill", "--table", "a; rm -rf /"], "There is no table 'a; rm -rf / | There"),
    Bad("two lines as a table", ["plan", "--table", "a\nb"], "There is no table 'a\\nb' in the schema. | There are:"),
    Bad("odd letters as a table", ["plan", "--table", "\u202e✗"], "There is no table '\\u202e✗' in | There are:"),
    Bad("a table that is no text", ["plan", "--table", "\udcff"], "There is no table '\\udcff' in | There are:"),
    Bad("an index alone", "plan --index GSI3-StatusIndex", "--index needs --table. | Two tables may | Add --table."),
    Bad("an index of another table", "migrate --table reports --index GSI2-StatusIndex",
        "Table reports has no index 'GSI2-StatusIndex'. | It has: GSI1-ProjectIndex, | Did you mean GSI3-StatusIndex?"),
    Bad("an index without a name", ["plan", "--table", "reports", "--index", ""], "Table reports has no index | It"),
    Bad("a table that has no backfill", "backfill --table work-logs", "Table work-logs has no | None of its | There"),
    Bad("mending without a check", "backfill --mend", "--mend needs --check. | It mends what the check | Add --check."),
    Bad("a check and a dry run", "backfill --check --dry-run", "--dry-run and --check exclude each | One looks | Drop"),
    Bad("an unknown benchmark", "bench nothing", "That cannot be measured. | There is `backfill`, | Run: ./invoke"),
    Bad("a benchmark of nothing", "bench backfill --growth 0", "That cannot be measured. | There is | Run: ./invoke"),
    Bad("a plugin that is a folder", "conformance --plugin .", ". is no program. | It has to be a pulumi- | Give its"),
    Bad("a recording without a plugin", "conformance --record", "--record needs --plugin. | The stand-in | Add "),
    Bad("an unknown stack to lint", "schema.lint --stack prdo", "There is no stack 'prdo'. | A stack is | Did you"),
    Bad("two forms of a lint", "schema.lint --github --json", "--github and --json exclude | Both write | Drop"),
    Bad("an open quote", ["test", "--only", '"'], "--only cannot be read: No closing quotation. | Run: ./invoke test"),
]
STACK_FILES = [
    Bad("no stack file", "migrate", "There is no stack 'local'. | A stack is a file | Run:", given=no_stack_file),
    Bad("a folder as a stack file", "plan", f"{FILE}: it cannot be read. | [Errno | {EDIT}",
        given=a_folder_as_stack_file),
    Bad("an empty stack file", "env", f"{FILE}: it has no `config:` section. | All settings | {EDIT}",
        given=stack_file("")),
    Bad("UTF-16", "plan", f"{FILE}: it cannot be read. | 'utf-8' codec | {EDIT}",
        given=stack_file("a: b".encode("utf-16"))),
    Bad("no YAML", "migrate", f"{FILE}: it is not YAML. | Mapping values | {EDIT}", edit=("config:", "config")),
    Bad("a key that stands twice", "plan", f"{FILE}: it is not YAML. | This key appears twice | {EDIT}",
        edit=("    rate: 100000", "    rate: 100000\n    rate: 5")),
    Bad("an unknown key", "migrate", f"{FILE}: unknown config key sitelogix:tabelPrefix. | {UNKNOWN} | Did you mean ta",
        edit=("tablePrefix", "tabelPrefix")),
    Bad("an unknown key of backfills", "plan", f"{FILE}: unknown config key sitelogix:backfill.work | {UNKNOWN} | Did",
        edit=("    rate: 100000", "    worker: 4")),
    Bad("an account that is too short", "migrate", f"{FILE}: sitelogix:account {WRONG}: '12'. | An AWS | {EDIT}",
        edit=('"123456789012"', "12")),
    Bad("a file without the key of its secrets", "plan",
        f"{FILE}: it has no encryptionsalt. | So each preview | Run: ./invoke stack.init --stack local",
        edit=("encryptionsalt", "# encryptionsalt")),
    Bad("an ESC environment without Pulumi's service", "plan",
        f"{FILE}: the ESC environment team/dev cannot be resolved. | Only Pulumi's service | Take `environment` out",
        edit=("config:\n", "environment: [team/dev]\nconfig:\n")),
    Bad("a proxy for Pulumi alone", "plan", f"{FILE}: aws:httpsProxy is refused. | Pulumi would | Set HTTPS_PROXY in",
        edit=("  aws:region", "  aws:httpsProxy: http://127.0.0.1:1\n  aws:region")),
    Bad("another organization", "plan --stack acme/sitelogix/local",
        "Stack local is asked for in organization acme. | Its state is kept | Name it organization/sitelogix"),
    Bad("another project's stack", "plan --stack organization/orders/local",
        "Stack local is asked for in project orders, and this is | A stack belongs | Name it organization/sitelogix"),
    Bad("an unknown region", "status", f"{FILE}: unknown aws:region: us-est-1. | {UNKNOWN} | Did you mean",
        edit=("us-east-1", "us-est-1")),
    Bad("a prefix that is a path", "plan", f"{FILE}: sitelogix:tablePrefix {WRONG}: '../x'. | A prefix has | {EDIT}",
        edit=("tablePrefix: sitelogix-", "tablePrefix: ../x")),
    Bad("a backend of no kind", "plan", f"{FILE}: sitelogix:backend {WRONG}: 'ftp://x'. | A backend is a URL | {EDIT}",
        edit=("file://.local/state", "ftp://x")),
    Bad("a backend that is not there", "plan", f"{FILE}: sitelogix:backend {WRONG}: 'file:///no | There is no | {EDIT}",
        edit=("file://.local/state", "file:///nowhere/at/all")),
    Bad("an endpoint elsewhere", "migrate", f"{FILE}: aws:endpoints {WRONG}. | The local stack's endpoint is | Set its",
        edit=("http://127.0.0.1", "http://example.com")),
    Bad("a port that cannot be", "plan", f"{FILE}: aws:endpoints {WRONG}. | The URL of dynamodb is like | {EDIT}",
        given=port("- dynamodb: http://127.0.0.1:PORT", "- dynamodb: http://127.0.0.1:99999")),
    Bad("a writer that is none", "backfill", f"{FILE}: sitelogix:backfill.writer {WRONG}: 'batch'. | Input | {EDIT}",
        edit=("writer: single", "writer: batch")),
    Bad("a hot key as a yes", "plan", f"{FILE}: sitelogix:acceptedHotKeys.reports/GSI3 | Input | {EDIT}",
        edit=("reports/GSI3-StatusIndex: 1.0", "reports/GSI3-StatusIndex: yes")),
    Bad("a finding without a reason", "schema.lint", f"{FILE}: sitelogix:acceptedFindings.L019.repo | String | {EDIT}",
        edit=("reports/GSI3-StatusIndex: the migration plan asks for 5 write units", 'reports/GSI3-StatusIndex: " "')),
    Bad("violations below zero", "plan",
        f"{FILE}: sitelogix:acceptedViolations.constraints {WRONG}: -3. | Input | {EDIT}",
        edit=("constraints: 3", "constraints: -3")),
]
APPROVALS = [
    Bad("leave for an unknown index", "migrate", f"{FILE}: unknown sitelogix:approvals: personnel | {UNKNOWN} | Did",
        edit=("personnel/GSI2-ProjectIndex", "personnel/GSI2-Project")),
    Bad("leave for an index that stays", "plan", f"{FILE}: unknown sitelogix:approvals: personnel | {UNKNOWN} | Did",
        edit=("personnel/GSI2-ProjectIndex", "personnel/GSI1-NameIndex")),
    Bad("leave without tests", "plan", f"{FILE}: {PERSONNEL}.testsPassed is missing. | The stack cannot | {EDIT}",
        edit=("      testsPassed: true\n", "")),
    Bad("leave that is not boolean", "plan",
        f"{FILE}: {PERSONNEL}.applicationUpdated {WRONG}: 'true'. | Input | {EDIT}",
        edit=("applicationUpdated: true", 'applicationUpdated: "true"')),
    Bad("leave by nobody", "plan", f"{FILE}: {PERSONNEL}.by {WRONG}: ' '. | String should have | {EDIT}",
        edit=("by: the local stack has no readers", 'by: "  "')),
    Bad("leave of yesterday", "plan",
        f"{FILE}: {PERSONNEL}.at {WRONG}: 'yesterday'. | Input should be a valid | {EDIT}",
        edit=('"2025-11-04"', "yesterday")),
    Bad("leave of a thirteenth month", "plan", f"{FILE}: it is not YAML. | Month must be in 1..12 | {EDIT}",
        edit=('"2025-11-04"', "2025-13-04")),
    Bad("leave by half a run", f"{APPROVE} --index GSI2-ProjectIndex --by Jane --commit 012345678901",
        "--commit and --check-run go together. | They say what was checked. | Add both."),
    Bad("no checks to run", "check", "Stack local has no checks. | They are commands by name | Write one there"),
    Bad("an attestation for a stack that promotes from none", "migrate --attestation x.json",
        "Stack local promotes from no other stack. | So an attestation says nothing | Drop --attestation"),
    Bad("a promotion of a stack that promotes from none", "promote --from staging --to local",
        "Stack local does not promote from stack staging. | It promotes from none. | Name that with --from"),
    Bad("leave for nothing", "approve --by Jane", "No index is named. | An approval is for | Add --table and --index."),
    Bad("leave for an unknown index, written", f"{APPROVE} --index GSI2-ProjektIndex",
        "Table personnel has no index 'GSI2-ProjektIndex'. | It has: | Did you mean GSI2-ProjectIndex?"),
    Bad("leave for an index that stays, written", f"{APPROVE} --index GSI1-NameIndex --by Jane {STATED} --json",
        "personnel/GSI1-NameIndex is no retired index. | Only a retired | Did you mean personnel/GSI2-ProjectIndex?"),
    Bad("leave by nobody, written", f"{APPROVE} --index GSI2-ProjectIndex {STATED} --by ' '",
        "--by names nobody. | A person answers | Add --by"),
    Bad("leave without a word", f"{APPROVE} --index GSI2-ProjectIndex --by Jane",
        "--application-updated and --tests-passed are not | Who approves says that | Make sure of it, then add --app"),
    Bad("leave without tests, written", f"{APPROVE} --index GSI2-ProjectIndex --by Jane --application-updated",
        "--tests-passed is not stated. | Who approves says that | Make sure of it, then add --tests-passed."),
    Bad("leave in a file that would change", f"{APPROVE} --index GSI2-ProjectIndex --by Jane {STATED}",
        "The approval cannot be written into the stack file. | The file has spaces, | Write it by hand",
        edit=("aws:region: us", "aws:region:  us")),
    Bad("leave at a number", "plan", f'{FILE}: {PERSONNEL}.at {WRONG}: 0. | A date is like "2025-11-04". | {EDIT}',
        edit=('"2025-11-04"', "0")),
]
NUMBER = "partition_key=Attribute(partition_key)", (
    'partition_key=Attribute(partition_key, type(PK.type)("N") if partition_key == "vendor_type" else PK.type)'
)
REFUSED_BY_LINT = "L010: The backfill fills vendor_type with texts, | DynamoDB leaves items | Declare vendor_type with"
SCHEMAS = [
    Bad("a backfilled key of another type, migrated", "migrate", REFUSED_BY_LINT, 4, given=schema(*NUMBER)),
    Bad("a backfilled key of another type, previewed", "preview --json", REFUSED_BY_LINT, 4, given=schema(*NUMBER)),
    Bad("two indexes of one name", "plan",
        f"The schema is wrong: table reports: index GSI1 | SchemaError in | {CORRECT}",
        given=schema('"GSI2-ManagerIndex"', '"GSI1-ProjectIndex"')),
    Bad("a key without a type", "migrate",
        f"The schema is wrong: key attribute SK: its type is | SchemaErr | {CORRECT}",
        given=schema('Attribute("SK")', 'Attribute("SK", None)')),
    Bad("a capacity as a word", "plan", f"The schema is wrong: '<' not supported between | TypeError in | {CORRECT}",
        given=schema("Throughput(read=10,", 'Throughput(read="ten",')),
    Bad("a backfill that is not there", "plan --json",
        f"The schema is wrong: module 'sitelogix.backfills' | AttributeError in sitelogix/tables.py, | {CORRECT}",
        given=schema("backfill=backfills.REPORTS", "backfill=backfills.REPORT")),
    Bad("more indexes than DynamoDB has", "status",
        f"The schema is wrong: table reports has 21 | SchemaErr | {CORRECT}",
        given=schema('_index("GSI3-StatusIndex", "status", "timestamp"),', MORE_INDEXES)),
    Bad("an index that nothing replaces", "plan",
        f"The schema is wrong: table personnel, index | SchemaErr | {CORRECT}",
        given=schema('replaced_by="GSI2-StatusIndex"', 'replaced_by="GSI3-StatusIndex"')),
    Bad("an unknown word", "--list",
        f"The schema is wrong: name 'Tabel' is | NameError in sitelogix/tables.py, | {CORRECT}",
        given=schema("REPORTS = Table(", "REPORTS = Tabel(")),
    Bad("an open bracket", "pause",
        f"The schema is wrong: '(' was never | SyntaxError in sitelogix/tables.py, | {CORRECT}",
        given=schema("REPORTS = Table(", "REPORTS = Table((")),
    Bad("an empty schema", "env", f"The schema is wrong: cannot import name 'SITELOGIX' | Import | {CORRECT}",
        given=no_schema),
]
LIVE_TABLES = [
    Bad("a prefix of no table", "plan",
        "4 conflicts: Table reports does not exist. Table personnel does | It was live | Restore it from its", 4,
        edit=("tablePrefix: sitelogix-", "tablePrefix: nobodys-")),
    Bad("a table that is gone", "migrate", "Table vendors does not exist. | It was live | Restore it", 4,
        given=own(no_vendors)),
    Bad("a count of a table that is gone", "backfill --dry-run --table vendors", "Table vendors is | AWS has | Run:",
        given=own(no_vendors)),
    Bad("a table of other keys", "migrate", "Table vendors has other keys | Live: id (N); schema: PK (S), SK | Corr", 4,
        given=own(vendors({"id": "N"}))),
    Bad("another index of that name", "migrate", "Index vendors/GSI1-CompanyIndex is live with | Live: name | Decl", 4,
        given=own(vendors(KEYS, index="name"))),
    Bad("a stream for others", "migrate --json", "Table vendors already has a stream, with | Lambda | To leave", 4,
        given=own(vendors(KEYS, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}))),
    Bad("a table of CloudFormation's", "migrate", "Table vendors is managed by CloudFormation stack web. | Its | If", 4,
        given=own(vendors(KEYS, Tags=[{"Key": "aws:cloudformation:stack-name", "Value": "web"}]))),
    *(Bad(f"another stack's tables, for {task}", task, OTHERS, 4, given=own(ledger("owner#stack", {"stack": "prod"})))
      for task in ("migrate", "backfill --check", "rollback --backfill reports --yes", "rollback --new-tables --yes",
                   "rollback --table reports --index GSI3-StatusIndex --yes", "unlock",
                   "rollback --table vendors --from-backup latest")),
    Bad("a ledger that is none", "plan", "Table | It has | Rename", 4, given=own(another_table_as_ledger)),
    Bad("a ledger that is none, for migrate", "migrate", "Table | It has | Rename", 4,
        given=own(another_table_as_ledger)),
]
AWS = [
    Bad("nobody who answers", "plan --stack staging", "The AWS endpoint of stack staging does not | Read | Run:", 1,
        given=answers(Any=NEVER)),
    Bad("an endpoint that is down", "plan --stack staging", "The AWS endpoint of stack staging does | Could | Run:", 1,
        given=staging_at("http://127.0.0.1:1")),
    Bad("a page for STS", "plan --stack staging", f"{NOT_AWS} | {MENDED_AT}", 1, given=answers(Any=Planted(200, PAGE))),
    Bad("a page for DynamoDB", "status --stack staging", f"{NOT_AWS} | {MENDED_AT}", 1,
        given=answers(DescribeTable=Planted(403, PAGE))),
    Bad("garbage", "verify --stack staging",
        f"What answers stack staging is not AWS. | It says b'\\x00 | {MENDED_AT}", 1,
        given=answers(Query=Planted(200, "\x00\x01"))),
    Bad("reading that is denied", "plan --stack staging", f"AWS denies DescribeTable. | {GRANT}", 4,
        given=denied("DescribeTable")),
    Bad("a ledger that is denied", "migrate --stack staging", f"AWS denies CreateTable. | {GRANT}", 4,
        given=denied("CreateTable")),
    Bad("a pause that is denied", "pause --stack staging", f"AWS denies PutItem. | {GRANT}", 4,
        given=own(ledger("table#reports", {"stream": "arn"}), answers(PutItem=Planted.error("AccessDeniedException")))),
    Bad("a backup that is denied", "migrate --stack staging", f"AWS denies CreateBackup. | {GRANT}", 4,
        given=denied("CreateBackup"), changes=("migration-ledger",)),
    Bad("a scan that is denied", "backfill --dry-run --stack staging", f"AWS denies Scan. | {GRANT}", 4,
        given=denied("Scan")),
    Bad("credentials that expire in a plan", "plan --stack staging", ENDED, 6,
        given=answers(DescribeTable=Planted.error("ExpiredTokenException"))),
    Bad("credentials that are withdrawn", "plan --json --stack staging", ENDED, 6,
        given=answers(DescribeTable=Planted.error("UnrecognizedClientException"))),
    Bad("credentials that expire in a run", "migrate --stack staging", ENDED, 6,
        given=own(answers(CreateBackup=Planted.error("ExpiredTokenException"))), changes=("migration-ledger",)),
    Bad("expired credentials", "migrate --stack staging", INVALID,
        given=answers(Any=Planted.sts_error("ExpiredToken"))),
    Bad("a wrong signature", "migrate --stack staging", INVALID,
        given=answers(Any=Planted.sts_error("SignatureDoesNotMatch"))),
    Bad("no credentials", "plan", "There are no AWS credentials for stack local. | Unable | Set AWS",
        given=without_credentials),
    Bad("a program that gives no credentials", "plan", "There are no AWS credentials for stack local. | Error | Set",
        given=aws_configuration("[profile team]\ncredential_process = /bin/false\n")),
    Bad("a broken AWS configuration", "plan", "The AWS configuration cannot be read. | Unable to parse | Correct",
        given=aws_configuration("[profile team\n")),
    Bad("an unknown profile", "plan", "Stack local wants an AWS profile that does not exist. | The config | Configure",
        edit=("  aws:region", "  aws:profile: nobody\n  aws:region")),
    Bad("an unknown profile of the shell's", "plan", "Stack local wants an AWS profile that does | The | Configure",
        given=environment(AWS_PROFILE="nobody")),
    Bad("another account", "migrate --json", f"These credentials belong to AWS account 1234 | {FILE} says | Switch", 4,
        edit=('"123456789012"', '"210987654321"')),
]
MACHINE = [
    Bad("a file as .local", "plan", "The folder .local cannot be written. | [Errno | Make it a folder",
        given=local_is_a_file),
    Bad("a broken state", "plan", "Pulumi cannot read the stack's state. | error: failed to load checkpoint | Mend", 1,
        given=state('{"version": 3, "check')),
    Bad("another passphrase", "preview --stack staging", "`pulumi preview` failed. | error: getting stack | Mend", 1,
        given=own(another_passphrase)),
    Bad("another engine", "migrate", "The Pulumi engine on PATH is version 3.1.0. | The project takes 3.250 | Run ./",
        given=engine("echo v3.1.0")),
    Bad("a broken engine", "plan", "The Pulumi engine cannot be run. | `pulumi version` failed | Run ./invoke",
        given=engine("exit 1")),
]
# fmt: on
BAD: list[Bad] = [*FLAGS, *STACK_FILES, *APPROVALS, *SCHEMAS, *LIVE_TABLES, *ROLLBACKS, *AWS, *MACHINE]
EACH = [
    pytest.param(bad, id=bad.name, marks=[pytest.mark.long] if number % 2 else []) for number, bad in enumerate(BAD)
]
"""Every second row is in the sample."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout to copy, whose local stack is up and not migrated."""
    with running(tmp_path_factory.mktemp("bad-inputs") / "checkout") as made:
        prepare(made)
        yield made


@pytest.fixture(scope="module")
def outcomes(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Outcome]]]:
    """What each row that was asked for does, by its name."""
    chosen: list[Any] = request.session.items
    ours = [item for item in chosen if item.module is request.module and "outcomes" in item.fixturenames]
    asked: list[Bad] = [item.callspec.params["bad"] for item in ours]
    # Those that wait for an answer first: meanwhile others run.
    asked.sort(key=lambda bad: bad.name != "nobody who answers")
    with on_trial(asked, checkout, tmp_path_factory.mktemp("cases")) as found:
        yield found


@pytest.mark.parametrize("bad", EACH)
def test_a_bad_input_is_one_clear_error_and_changes_nothing(bad: Bad, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[bad.name].result()
    assert (outcome.code, len(outcome.lines)) == (bad.code, len(bad.lines)), outcome.stderr
    for line, beginning in zip(outcome.lines, bad.lines, strict=True):
        assert line.startswith(beginning)
    assert "Traceback" not in outcome.stderr
    if "--json" in bad.arguments:
        error = json.loads(outcome.stdout)["error"]
        assert ([error[part] for part in ("what", "why", "next") if error[part]], error["code"]) == (
            outcome.lines,
            bad.code,
        )
    else:
        assert outcome.stdout == ""
    assert outcome.changed == ()


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 64


def test_a_full_disk_leaves_the_backfill_unproven(checkout: Checkout, tmp_path: Path) -> None:
    with case_in(tmp_path / "full", checkout, checkout.client) as case:
        case.tables_of_its_own()
        report = case.path / ".local" / "violations-local-constraints.jsonl"
        report.symlink_to("/dev/full")
        failed = case.checkout.run("backfill", "--table", "constraints")
        assert (failed.returncode, failed.stdout) == (1, "")
        what, why, then = failed.stderr.splitlines()[-3:]
        assert what == "The report of the 1 items that stay out of the index cannot be written."
        assert why.startswith(f"{report}: No space left on device.")
        assert then == "Make room there, then repeat: it goes on where it was."
        report.unlink()
        # Not proven, so it is still to do.
        again = case.checkout.run("backfill", "--table", "constraints", "--json")
        assert [step["step"] for step in json.loads(again.stdout)["steps"]] == ["backfill constraints"]
        assert len(report.read_text(encoding="utf-8").splitlines()) == 1
