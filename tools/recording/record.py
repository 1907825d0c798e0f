"""Records a real `./invoke migrate --stack local` as the picture in the README, docs/images/migrate.svg.

Run by hand: `.venv/bin/python tools/recording/record.py`. It starts the local stack afresh, runs the migration to its
end in a terminal of its own, and keeps what that showed at one moment: in the middle of the last backfill. What is left
out to fit one screen, lines of the plan and of finished steps, is marked by a line `…`.
"""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "migrate.svg"
COMMAND = ("./invoke", "migrate", "--stack", "local")
COLUMNS, ROWS = 110, 400
"""The width of the picture, and a height in which nothing scrolls."""
FIRST, LAST = 8, 16
"""How many lines of the beginning and of the end are kept."""
BAR = re.compile(r"\[\d+/\d+\] backfill .*━.*/s \d:\d\d:\d\d 0:00:0[1-9]")
"""The last line while a backfill goes on: with its bar, its pace, and at least a second left."""
_PART = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\n)|([^\x1b\r\n]+)")
_UNFINISHED = re.compile(r"\x1b(\[[0-9;?]*)?$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Screen:
    """What a terminal shows, as far as rich moves in it: one line up or down, erasing a line, and colours."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0

    def feed(self, text: str) -> None:
        """Writes text with its control sequences."""
        for codes, letter, new_line, plain in _PART.findall(text):
            if new_line:
                self._row += 1
                self._lines += [""] * (self._row == len(self._lines))
            elif letter == "A":
                self._row = max(0, self._row - int(codes or 1))
            elif letter == "K":
                self._lines[self._row] = ""
            elif letter == "m":
                self._lines[self._row] += f"\x1b[{codes}m"
            else:
                self._lines[self._row] += plain

    @property
    def lines(self) -> list[str]:
        """The lines with their colours, without those that show nothing."""
        return [line for line in self._lines if _COLOUR.sub("", line).strip()]


def frames() -> Iterator[list[str]]:
    """Runs the command in a terminal, to its end, and gives what that shows after each piece of output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    program = subprocess.Popen(COMMAND, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    screen, rest, decoder = Screen(), "", codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := _read(ours):
            text = rest + decoder.decode(piece)
            unfinished = _UNFINISHED.search(text)
            rest = unfinished[0] if unfinished else ""
            screen.feed(text.removesuffix(rest))
            yield screen.lines
    finally:
        os.close(ours)
        program.wait()
    if program.returncode:
        raise SystemExit("\n".join(screen.lines))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # so a terminal says that its program has ended
        return b""


def chosen() -> list[str]:
    """The moment that is shown, trimmed."""
    moments: dict[str, list[list[str]]] = {}
    for lines in frames():
        last = _COLOUR.sub("", lines[-1]) if lines else ""
        if BAR.search(last):
            moments.setdefault(last.partition("[")[2].partition("]")[0], []).append(lines)
    if not moments:
        raise SystemExit("No backfill took long enough to show its bar.")
    of_last = moments[max(moments, key=lambda step: int(step.partition("/")[0]))]
    lines = of_last[len(of_last) // 2]
    begin = next(number for number, line in enumerate(lines) if "steps to do" in line)
    shown = lines[begin:]
    return shown if len(shown) <= FIRST + LAST else [*shown[:FIRST], "      …", *shown[-LAST:]]


def picture(lines: list[str]) -> str:
    """The lines as an SVG that needs nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(f"$ {' '.join(COMMAND)}", style="bold")
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, overflow="crop", crop=True)
    svg = console.export_svg(title="keyshift", theme=SVG_EXPORT_THEME, unique_id="migrate")
    svg = _FONTS.sub("", svg).replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    """Makes the picture anew."""
    subprocess.run(["./invoke", "local.reset"], cwd=ROOT, check=True)
    try:
        lines = chosen()
    finally:
        subprocess.run(["./invoke", "local.down"], cwd=ROOT, check=True)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(lines), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)} is made: look at it.\n")


if __name__ == "__main__":
    main()
