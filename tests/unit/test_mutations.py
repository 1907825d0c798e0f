"""The list of mutations fits the code, and a mutation counts as killed only when a test has failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations.mutation import CHECKOUT, CannotApply, Mutation, all_mutations
from tests.mutations.run import Outcome, PytestRun, Verdict, chosen, exit_code, judged

MUTATIONS = all_mutations()
AREAS = {"plan", "gates", "guards", "backfills", "lease", "rollback", "configuration", "lint"}
ONE = Mutation("one", "plan", "It adds.", "code.py", "a + b", "a - b", ("tests/some.py",))


def test_every_mutation_can_be_planted() -> None:
    cannot: list[str] = []
    for mutation in MUTATIONS:
        try:
            mutation.planted_in(CHECKOUT)
        except CannotApply as error:
            cannot.append(f"{mutation.id}: {error}")
    assert cannot == []


def test_no_two_mutations_have_one_name() -> None:
    assert [id for id, count in Counter(mutation.id for mutation in MUTATIONS).items() if count > 1] == []


def test_every_area_has_at_least_five_of_at_least_forty_in_all() -> None:
    counts = Counter(mutation.area for mutation in MUTATIONS)
    assert set(counts) >= AREAS
    assert [area for area, count in counts.items() if count < 5] == []
    assert counts.total() >= 40


def test_every_mutation_says_what_it_breaks_and_names_tests_that_are_there() -> None:
    assert [mutation.id for mutation in MUTATIONS if not mutation.meaning or mutation.old == mutation.new] == []
    named = {name for mutation in MUTATIONS for name in mutation.tests if name.startswith("tests/")}
    assert [name for name in sorted(named) if not (CHECKOUT / name).is_file()] == []


@pytest.mark.parametrize(
    ("code", "output", "outcome"),
    [
        (0, "3 passed", Outcome.SURVIVED),
        (1, "1 failed", Outcome.KILLED),
        (1, "___ ERROR collecting tests/unit/test_plan.py ___", Outcome.BROKEN),
        (2, "SyntaxError", Outcome.BROKEN),
        (5, "no tests ran", Outcome.BROKEN),
        (None, "", Outcome.HUNG),
    ],
)
def test_only_a_failed_test_kills_a_mutation(code: int | None, output: str, outcome: Outcome) -> None:
    assert PytestRun(code, output, 1.0).outcome is outcome


def run(directory: Path, mutation: Mutation, *codes: int) -> tuple[Verdict, list[str]]:
    """The verdict on one mutation by tests that end with these exit codes, and the code that each of them saw."""
    file = directory / "code.py"
    file.write_text("a + b\n", encoding="utf-8")
    seen: list[str] = []
    ends: Iterator[int] = iter(codes)

    def test(tests: tuple[str, ...]) -> PytestRun:
        seen.append(file.read_text(encoding="utf-8"))
        return PytestRun(next(ends), "", 1.0)

    (verdict,) = judged([mutation], directory, test)
    assert file.read_text(encoding="utf-8") == "a + b\n"
    return verdict, seen


def test_tests_run_without_the_mutation_then_with_it(tmp_path: Path) -> None:
    verdict, seen = run(tmp_path, ONE, 0, 1)
    assert (verdict.outcome, seen) == (Outcome.KILLED, ["a + b\n", "a - b\n"])


def test_tests_that_fail_without_the_mutation_say_nothing_of_it(tmp_path: Path) -> None:
    verdict, seen = run(tmp_path, ONE, 1)
    assert (verdict.outcome, seen) == (Outcome.TESTS_FAIL, ["a + b\n"])


@pytest.mark.parametrize("text", ["a * b", "a", "b"])
def test_a_text_that_does_not_occur_once_is_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "code.py").write_text("a + b, a - b\n", encoding="utf-8")
    with pytest.raises(CannotApply):
        Mutation("x", "plan", "", "code.py", text, "c", ()).planted_in(tmp_path)
    with pytest.raises(CannotApply):
        Mutation("x", "plan", "", "gone.py", text, "c", ()).planted_in(tmp_path)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.KILLED, Outcome.KILLED], 0),
        ([Outcome.KILLED, Outcome.SURVIVED], 1),
        ([Outcome.HUNG], 1),
        ([Outcome.BROKEN, Outcome.CANNOT_APPLY], 2),
        ([Outcome.TESTS_FAIL], 2),
    ],
)
def test_the_exit_code_is_nought_only_where_all_are_killed(outcomes: list[Outcome], code: int) -> None:
    assert exit_code([Verdict(ONE, outcome) for outcome in outcomes]) == code


def test_mutations_are_chosen_by_name_and_area() -> None:
    assert [one.id for one in chosen([ONE], ["one"], "plan")] == ["one"]
    with pytest.raises(ValueError, match="there is no mutation two"):
        chosen([ONE], ["two"], None)
    with pytest.raises(ValueError, match="there is no area gates; there are: plan"):
        chosen([ONE], None, "gates")
