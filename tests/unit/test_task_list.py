"""The tasks as `./invoke` lists them."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from pathlib import Path

import pytest

from tasks import ns
from terminal.main import GROUPS, OTHERS, Invoke, grouped

CHECKOUT = Path(__file__).resolve().parents[2]
TITLES = ["Look:", "Change:", "Go back:", "Stop and go on:", "Local stack:", "Work on the project:"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    monkeypatch.chdir(CHECKOUT)
    return Shown(capsys)


class Shown:
    """What `./invoke` prints for some arguments, as lines."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> list[str]:
        with pytest.raises(SystemExit) as ended:
            Invoke(name="./invoke", binary="./invoke").run(["./invoke", *arguments])
        out, err = self._capsys.readouterr()
        assert (ended.value.code, err) == (0, "")
        return str(out).splitlines()


def titles(lines: list[str]) -> list[str]:
    return [line for line in lines if line in TITLES]


def test_every_task_is_in_exactly_one_group() -> None:
    named = Counter(name for members in GROUPS.values() for name in members)
    assert named == Counter(ns.task_names.keys())


def test_a_task_that_no_group_names_is_shown_after_the_others() -> None:
    assert grouped(["zebra", "plan", "ant", "status"]) == {"Look": ["status", "plan"], OTHERS: ["ant", "zebra"]}


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--list",)])
def test_each_way_to_ask_shows_every_task_below_its_group(shown: Shown, arguments: tuple[str, ...]) -> None:
    lines = shown(*arguments)
    assert titles(lines) == TITLES
    for title, members in GROUPS.items():
        first = lines.index(f"{title}:") + 1
        group = lines[first : lines.index("", first)]
        # A description goes on in the next line, below itself.
        assert [line.split()[0] for line in group if line[2] != " "] == list(members)


def test_the_descriptions_of_all_groups_stand_below_each_other(shown: Shown) -> None:
    lines = shown("--list")
    (status,) = (line for line in lines if line.startswith("  status "))
    (down,) = (line for line in lines if line.startswith("  local.down "))
    assert status.index("Show every table") == down.index("Stop the local stack.")


def test_without_a_task_the_way_to_its_options_is_shown(shown: Shown) -> None:
    lines = shown()
    assert lines[0] == "Usage: ./invoke TASK [--option ...]"
    assert lines[-1] == "./invoke --help TASK shows the options of a task."


def test_help_shows_the_options_of_invoke_too(shown: Shown) -> None:
    assert "Core options:" in shown("--help")


def test_a_part_of_the_tasks_is_listed_without_groups(shown: Shown) -> None:
    lines = shown("--list", "local")
    assert titles(lines) == []
    assert [line.split()[0] for line in lines if line.startswith("  .")] == [".down", ".reset", ".up"]


def test_the_list_for_programs_is_one_json_document(shown: Shown) -> None:
    (line,) = shown("--list", "--list-format=json")
    document = json.loads(line)
    names = [task["name"] for task in document["tasks"]]
    names += [f"{part['name']}.{task['name']}" for part in document["collections"] for task in part["tasks"]]
    assert sorted(names) == sorted(ns.task_names)


def test_a_flag_that_is_a_number_is_read_as_one() -> None:
    # Invoke takes the type of a flag from its default, and reads one without a default as text.
    numbers = {
        (name, argument.name): argument.kind
        for name in ns.task_names
        for argument in ns[name].get_arguments()
        if inspect.signature(ns[name].body).parameters[argument.attr_name or argument.name].annotation == "int"
    }
    assert ("capacity", "write") in numbers
    assert set(numbers.values()) == {int}
