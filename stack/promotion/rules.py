"""The rules of promotion by name, and what an override does to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stack.file.settings import Override
from stack.gates.claims import Claim, failing
from stack.ledger.codec import written

NOTHING_LEFT = "nothing left to change"
VERIFIED = "verified after the last change"
READ_READY = "new indexes read-ready"
COMMITTED = "code committed"
CHECKS = "checks passed"
LOAD_TEST = "load test passed"
ALARMS = "alarms quiet"
BAKE_TIME = "bake time over"
ATTESTED = "attested"
SAME_STACK = "of the right stack"
SAME_CODE = "same code"
SAME_SCHEMA = "same schema"
SAME_LOCK = "same packages"

_OVERRIDDEN_BY = {
    "alarms": {ALARMS},
    "attestation": {ATTESTED, SAME_CODE, SAME_SCHEMA, SAME_LOCK},
    "bake-time": {BAKE_TIME},
    "checks": {CHECKS},
    "load-test": {LOAD_TEST},
}
"""The claims that each rule of an override stands for. No others are ever overridden."""


@dataclass(frozen=True)
class Overriding:
    """An override of the stack file, and whether the code of its commit is the code of this checkout."""

    override: Override
    same_code: bool


@dataclass(frozen=True)
class Judged:
    """Claims as they count: `used` are the overrides without which one would not hold, by the rule, each with what
    stands against it."""

    claims: tuple[Claim, ...]
    used: Mapping[str, tuple[Override, str]]

    @property
    def failing(self) -> tuple[Claim, ...]:
        """Those that do not hold."""
        return failing(self.claims)

    @property
    def waits(self) -> bool:
        """Whether time alone stands against it: the bake time is running."""
        return {claim.name for claim in self.failing} == {BAKE_TIME}


def judged(claims: Iterable[Claim], overridings: Iterable[Overriding] = ()) -> Judged:
    """The claims with the overrides applied to those that do not hold. An override for other code changes nothing, and
    is told."""
    found: list[Claim] = []
    used: dict[str, tuple[Override, str]] = {}
    known = list(overridings)
    for claim in claims:
        ours = [each for each in known if claim.name in _OVERRIDDEN_BY[each.override.rule]]
        if claim.holds or not ours:
            found.append(claim)
            continue
        newest = max(ours, key=lambda each: (each.same_code, each.override.at))
        override = newest.override
        signed = f"{override.by}, {written(override.at)}"
        if newest.same_code:
            told = f"overridden ({signed}: {override.reason}), though {claim.evidence}"
            found.append(Claim(claim.name, True, told, claim.next))
            used[override.rule] = (override, claim.evidence)
        else:
            other = f"the override of {override.rule} ({signed}) is for commit {override.commit}, whose code is another"
            found.append(replace(claim, evidence=f"{claim.evidence}; {other}"))
    return Judged(tuple(found), used)
