"""Every rule, with its code. Codes are permanent: a rule that goes leaves a gap. docs/lint.md explains each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stack.lint.finding import Found, Linted, Rule, Severity
from stack.lint.rules import change, copies, identity, keys, pacing, patterns, promotion, reviewed

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

SCHEMA_RULES = (
    Rule("L001", _WARNING, "retired index still read by an access pattern", patterns.reads_retired),
    Rule("L002", _WARNING, "approved removal of an index that is read", patterns.approved_and_read),
    Rule("L003", _WARNING, "index without an access pattern", patterns.unread),
    Rule("L004", _WARNING, "hot key by design", keys.hot_by_design),
    Rule("L005", _WARNING, "projection ALL on a write-heavy table", copies.everything_on_writes),
    Rule("L006", _WARNING, "removed and added under one name", change.changed_in_place),
    Rule("L007", _WARNING, "two indexes with the same keys", keys.same_keys),
    Rule("L008", _NOTE, "two indexes that could be one", keys.could_be_one),
    Rule("L009", _WARNING, "index with the keys of its table", keys.table_again),
    Rule("L010", _ERROR, "backfilled text under a key of another type", keys.text_as_number),
    Rule("L011", _WARNING, "number type for a date", keys.number_as_date),
    Rule("L012", _WARNING, "projection that repeats keys", copies.keys_copied),
    Rule("L013", _ERROR, "access pattern that needs what its index does not copy", patterns.not_projected),
    Rule("L014", _NOTE, "filter on what could be a key", patterns.filters),
    Rule("L015", _NOTE, "sparse index", keys.sparse),
    Rule("L016", _WARNING, "no room for another index", copies.little_room),
    Rule("L017", _ERROR, "more projected attributes than AWS takes", copies.too_many_copied),
    Rule("L018", _WARNING, "replacement that copies less", copies.copies_less),
    Rule("L019", _NOTE, "index with fewer write units than its table", copies.writes_less),
    Rule("L020", _ERROR, "backfilled text as expiry time", copies.expiry_as_text),
    Rule("L021", _WARNING, "left out without being retired", change.left_out),
)
"""Rules about the schema, whose findings stand in the project's Python files (L002's in the stack file)."""

STACK_RULES = (
    Rule("L101", _WARNING, "placeholder account", identity.placeholder_account, only_on_aws=True),
    Rule("L102", _WARNING, "approval older than the code it approves", reviewed.older_than_code, only_on_aws=True),
    Rule("L103", _ERROR, "approval dated ahead", reviewed.dated_ahead, only_on_aws=True),
    Rule("L104", _WARNING, "read-ready without a window", pacing.no_window, only_on_aws=True),
    Rule("L105", _WARNING, "window without writes", pacing.silence_counts, only_on_aws=True),
    Rule("L106", _WARNING, "removal without a quiet time", pacing.no_quiet_time, only_on_aws=True),
    Rule("L107", _WARNING, "any hot key accepted", pacing.any_hot_key, only_on_aws=True),
    Rule("L108", _WARNING, "backfill that leaves nothing", pacing.whole_share, only_on_aws=True),
    Rule("L109", _WARNING, "backfill faster than the table", pacing.fast_rate, only_on_aws=True),
    Rule("L110", _WARNING, "production without a brown-out", pacing.no_brown_out, only_on_aws=True),
    Rule("L111", _WARNING, "backfill without a journal", pacing.no_journal, only_on_aws=True),
    Rule("L112", _WARNING, "nobody is told", identity.nobody_told, only_on_aws=True),
    Rule("L113", _WARNING, "webhook in plain text", identity.plain_webhook, only_on_aws=True),
    Rule("L114", _ERROR, "credential in plain text", identity.plain_secret, only_on_aws=True),
    Rule("L115", _WARNING, "no tags", identity.no_tags, only_on_aws=True),
    Rule("L116", _NOTE, "setting without effect", reviewed.without_effect),
    Rule("L117", _ERROR, "two stacks with the same tables", identity.same_tables, only_on_aws=True),
    Rule("L118", _WARNING, "state in a folder", identity.state_in_a_folder, only_on_aws=True),
    Rule("L120", _WARNING, "production without promotion", promotion.not_promoted, only_on_aws=True),
    Rule("L121", _WARNING, "short bake time", promotion.short_bake_time, only_on_aws=True),
    Rule("L122", _WARNING, "load test in production", promotion.load_on_production, only_on_aws=True),
)
"""Rules about a stack's settings, whose findings stand in its stack file."""

LAST_RULES = (Rule("L119", _NOTE, "accepted finding that there is not", reviewed.accepted_in_vain),)
"""It goes by what all others find."""

RULES = SCHEMA_RULES + STACK_RULES + LAST_RULES
ERROR_RULES = tuple(rule for rule in RULES if rule.severity is _ERROR)
"""Those whose findings refuse a run."""


def judge(linted: Linted, rules: Iterable[Rule] = RULES) -> Iterator[tuple[Rule, Found]]:
    """What these rules find, in their order. Pure."""
    so_far: set[tuple[str, str]] = set()
    for rule in rules:
        if rule.only_on_aws and not linted.is_on_aws:
            continue
        for found in rule.check(replace(linted, found=frozenset(so_far))):
            so_far.add((rule.code, found.subject))
            yield rule, found
