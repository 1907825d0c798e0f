"""A model of AWS, Pulumi and the ledger on which plans are tried: what each step does, and what it must not.

`Simulation.apply` raises AssertionError when a step would break a rule that no plan may break.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from migration.plan.plan import plan
from migration.steps.step import Action, Step
from schema.model import Schema, Table
from stack.capacity import building_throughput
from stack.file.settings import Settings
from stack.gates.gate import backfill_proven, gate
from stack.gates.late_writers import needs_watch
from stack.ledger.ledger import Proofs, written
from stack.world.live import LiveIndex, LiveTable
from stack.world.managed import Managed, index_resource
from stack.world.world import World
from tests.worlds import OWN_READ, TIME, live_table, observed


class Simulation:
    """One stack on its way to `schema`. `world` is what a reader would see now."""

    def __init__(self, schema: Schema, settings: Settings, world: World) -> None:
        self.schema = schema
        self.settings = settings
        self.world = world

    def start(self) -> None:
        """Begins a run: what was verified before is about to change."""
        if plan(self.schema, self.settings, self.world).steps:
            facts = {name: proof for name, proof in self.world.proofs.facts.items() if name != "verify#stack"}
            self.world = replace(self.world, proofs=Proofs(facts))

    def apply(self, step: Step) -> None:
        """Does the step as AWS and Pulumi would."""
        {
            Action.WAIT: self._wait,
            Action.BACKUP: self._backup,
            Action.ADOPT: self._adopt,
            Action.BACKFILL: self._backfill,
            Action.CREATE_INDEX: self._create_index,
            Action.VERIFY_INDEX: self._verify_index,
            Action.CREATE_TABLES: self._create_tables,
            Action.SETTLE_CAPACITY: self._settle,
            Action.WATCH: self._watch,
            Action.SHADOW_READ: self._shadow_read,
            Action.READ_INDEX: self._read_index,
            Action.REMOVE_INDEX: self._remove_index,
            Action.VERIFY: self._verify,
        }[step.action](step)

    def _wait(self, step: Step) -> None:
        for name in step.tables:
            live = self.world.live[name]
            indexes = {
                index: replace(found, status="ACTIVE")
                for index, found in live.indexes.items()
                if found.status != "DELETING"
            }
            self._set_table(replace(live, status="ACTIVE", indexes=indexes))

    def _backup(self, step: Step) -> None:
        self._prove("backup", step.tables[0], {"schema": self.schema.digest})

    def _adopt(self, step: Step) -> None:
        self._assert_settled()
        self._assert_backed_up(step)
        for name, live in self.world.live.items():
            self._prove("table", name, {})
            protected = live_table(self.schema.table(name), (), protected=True)
            self._set_table(
                replace(
                    live,
                    stream=protected.stream,
                    point_in_time_recovery=True,
                    deletion_protection=True,
                    ttl=protected.ttl or live.ttl,
                )
            )
        self._manage_what_is_live()

    def _backfill(self, step: Step) -> None:
        self._assert_backed_up(step)
        self._prove("backfill", step.tables[0], {"attributes": list(self.schema.table(step.tables[0]).backfilled)})

    def _create_index(self, step: Step) -> None:
        table, live = self._table(step)
        index = table.index(step.index or "")
        self._assert_settled()
        self._assert_adopted()
        if table.existing:
            self._assert_backed_up(step)
        assert index.name not in live.indexes, f"{step.subject} is live already"
        assert not table.needs_backfill(index) or backfill_proven(table, self.world.proofs)
        throughput = index.throughput
        if throughput and live.billing_mode == table.billing_mode:
            throughput = building_throughput(live, throughput)
        built = LiveIndex(replace(index, existing=False, throughput=throughput))
        self._set_table(replace(live, indexes={**live.indexes, index.name: built}))
        self._manage_what_is_live()
        others = {f"{kind}#{step.subject}" for kind in ("read-ready", "shadow")}
        kept = {name: proof for name, proof in self.world.proofs.facts.items() if name not in others}
        self.world = replace(self.world, proofs=Proofs(kept))
        self._prove("index", step.subject, {"started": "now"})

    def _verify_index(self, step: Step) -> None:
        _, live = self._table(step)
        assert live.indexes[step.index or ""].status == "ACTIVE"
        self._prove("index", step.subject, {**(self._proof("index", step.subject) or {}), "verified": "now"})

    def _create_tables(self, step: Step) -> None:
        for name in step.tables:
            table = self.schema.table(name)
            assert name not in self.world.live
            assert not table.existing
            self._set_table(live_table(table, table.indexes, protected=True))
            self._prove("table", name, {})
        self._manage_what_is_live()

    def _settle(self, step: Step) -> None:
        for name in step.tables:
            table, live = self.schema.table(name), self.world.live[name]
            indexes = dict(live.indexes)
            for index in table.indexes:
                proof = self._proof("index", index_resource(name, index.name))
                if proof is None or "started" not in proof or "settled" in proof or index.name not in indexes:
                    continue
                indexes[index.name] = LiveIndex(replace(index, existing=False))
                self._prove("index", index_resource(name, index.name), {**proof, "settled": "now"})
            self._set_table(replace(live, indexes=indexes))

    def _watch(self, step: Step) -> None:
        table, _ = self._table(step)
        for index in table.indexes:
            resource = index_resource(table.name, index.name)
            if needs_watch(table, index) and "verified" in (self._proof("index", resource) or {}):
                self._prove("read-ready", resource, {"at": TIME, "looks": 1, "clean_since": TIME})

    def _shadow_read(self, step: Step) -> None:
        assert "verified" in self._proof("index", step.subject)
        self._prove("shadow", step.subject, {"at": TIME, "equal": True, "summary": "equal"})

    def _read_index(self, step: Step) -> None:
        self._prove("own-read", step.subject, {"units": {written(OWN_READ): "0.5"}})
        self.world = replace(self.world, observed=observed())

    def _remove_index(self, step: Step) -> None:
        table, live = self._table(step)
        retired = next(retired for retired in table.retired if retired.name == step.index)
        self._assert_settled()
        self._assert_backed_up(step)
        assert step.subject in self.world.managed.indexes, "Pulumi deletes only what its state holds"
        shut = [c for c in gate(self.schema, table, retired, self.settings, self.world) if not c.holds]
        assert not shut, f"removed behind a shut gate: {shut}"
        self._set_table(
            replace(live, indexes={name: found for name, found in live.indexes.items() if name != retired.name})
        )
        self._manage_what_is_live()

    def _verify(self, step: Step) -> None:
        for table in self.schema:
            assert {index.name for index in table.indexes} <= set(self.world.live[table.name].indexes)
        self._prove("verify", "stack", {"schema": self.schema.digest})

    def _table(self, step: Step) -> tuple[Table, LiveTable]:
        (name,) = step.tables
        return self.schema.table(name), self.world.live[name]

    def _assert_settled(self) -> None:
        assert all(live.is_settled for live in self.world.live.values()), "AWS is still changing something"

    def _assert_adopted(self) -> None:
        assert set(self.world.live) <= self.world.managed.tables

    def _assert_backed_up(self, step: Step) -> None:
        for name in step.tables:
            if self.schema.table(name).existing:
                assert (self._proof("backup", name) or {}).get("schema") == self.schema.digest, "no backup, no change"

    def _proof(self, kind: str, subject: str) -> Any:
        return self.world.proofs.of(kind, subject)

    def _prove(self, kind: str, subject: str, facts: dict[str, Any]) -> None:
        facts_now = {**self.world.proofs.facts, f"{kind}#{subject}": facts}
        self.world = replace(self.world, proofs=Proofs(facts_now))

    def _set_table(self, table: LiveTable) -> None:
        self.world = replace(self.world, live={**self.world.live, table.name: table})

    def _manage_what_is_live(self) -> None:
        indexes = frozenset(
            index_resource(table.name, index.name)
            for table in self.schema
            for index in table.every_index
            if table.name in self.world.live and index.name in self.world.live[table.name].indexes
        )
        managed = Managed(created=True, tables=frozenset(self.world.live), indexes=indexes)
        self.world = replace(self.world, managed=managed)
