"""What another stack has attested of the change, for a stack that promotes from it. It reads, and fails nothing: what
cannot be read is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from migration.change.document import Attested, Condition
from schema.errors import Interrupted, ToolError
from schema.model import Schema
from stack.file.config import StackConfig
from stack.ledger.codec import written
from stack.ledger.proofs import Proofs
from stack.promotion.requiring import Required, required
from stack.promotion.rules import BAKE_TIME


def attested_of(
    config: StackConfig, schema: Schema, proofs: Proofs, at: datetime, file: Path | None = None
) -> Attested | None:
    """The state of the attestation that this stack needs; None where it needs none. `proofs` are those of its own
    ledger; `file` is the attestation, where that is how it comes. Raises Interrupted."""
    wanted = config.settings.promotes_from
    if wanted is None:
        return None
    try:
        found = required(config, schema, proofs, at, file)
    except Interrupted:
        raise
    except ToolError as error:
        return Attested(
            stack=wanted.stack, clean_hours=wanted.clean_hours, allows=None, why=_line(error.what, error.why)
        )
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        return Attested(stack=wanted.stack, clean_hours=wanted.clean_hours, allows=None, why=_line(f"{error}"))
    return None if found is None else shown(found)


def shown(found: Required) -> Attested:
    """The judged attestation as the document shows it. Pure."""
    attestation, wanted = found.attestation, found.wanted
    end = None
    if attestation is not None:
        end = written(attestation.clean_since + timedelta(hours=wanted.clean_hours))
    return Attested(
        stack=wanted.stack,
        clean_hours=wanted.clean_hours,
        allows=not found.judged.failing,
        commit=attestation.commit if attestation else None,
        by=attestation.by if attestation else None,
        attested_at=written(attestation.attested) if attestation else None,
        earliest_at=end if found.judged.waits else None,
        conditions=tuple(_conditions(found, end)),
    )


def waiting_for(attested: Attested | None) -> Iterator[str]:
    """Why a run may not change the stack yet. Pure."""
    if attested is None or attested.allows:
        return
    if attested.allows is None:
        yield f"Whether stack {attested.stack} has attested this is not known."
    elif attested.earliest_at is not None:
        yield f"The bake time of stack {attested.stack} is over at {attested.earliest_at}."
    else:
        missing = ", ".join(condition.name for condition in attested.conditions if not condition.holds)
        yield f"Stack {attested.stack} has not attested this yet. Missing: {missing}."


def to_attest(attested: Attested | None) -> Iterable[str]:
    """The commands that bring the attestation about. Pure."""
    shut = [each for each in attested.conditions if not each.holds] if attested else []
    return dict.fromkeys(each.next for each in shut if each.next)


def _conditions(found: Required, end: str | None) -> Iterator[Condition]:
    for claim in found.judged.claims:
        time = claim.name == BAKE_TIME
        yield Condition(
            name=claim.name,
            holds=claim.holds,
            evidence=claim.evidence,
            needs=None if claim.holds else "time" if time else "person",
            earliest_at=end if time and not claim.holds else None,
            next="" if claim.holds else claim.next,
        )


def _line(*texts: str) -> str:
    return " ".join(" ".join(texts).split())
