"""What Pulumi said in the runs of one checkout: a file for each run, for the time when an error's three lines are not
enough. It holds no secret and nothing personal, and is bounded in size and number."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from stack.file.config import StackConfig
from stack.ledger.codec import now, written

FOLDER = Path(".local", "pulumi")
"""In the project's folder."""
MOST_BYTES = 500_000
"""Of one file. When it is full it becomes `….log.1`, in the place of an older one: the newest megabyte is kept."""
MOST_RUNS = 20
MASK = "[masked]"
SHORTEST_SECRET = 8
"""Characters. A credential that is shorter is a dummy of a local stack, such as `test`, and stands in many words."""

SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE")
_ALWAYS_MASKED = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # an access key's id
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
)


def secrets_of(config: StackConfig, environment: Mapping[str, str]) -> Iterator[str]:
    """What must not be kept of what Pulumi says: credentials, the passphrase, and where subscriptions lead to, which
    may be a person's address or a URL that lets anybody post. `environment` is what the engine is given besides the
    process's own."""
    credentials = [config.secret_key, config.session_token]
    credentials += [{**os.environ, **environment}.get(name) for name in SECRET_VARIABLES]
    yield from (secret for secret in credentials if secret and len(secret) >= SHORTEST_SECRET)
    # All that the stack's configuration keeps secret, and each subscription's address.
    yield from config.secrets


class EngineLog:
    """The log of one run; none before `begin`. `secrets` are masked wherever they stand, and so are ids of access keys
    and e-mail addresses. A log that cannot be written never fails a run."""

    def __init__(self, checkout: Path, secrets: Iterable[str]) -> None:
        self._checkout = checkout
        # The longest first: one secret may be part of another one.
        self._secrets = sorted(set(secrets), key=len, reverse=True)
        self._handler: logging.Handler | None = None
        self.path: Path | None = None

    def begin(self, run: str) -> None:
        """From now on it is the log of this run. Those of the oldest runs are removed."""
        self.end()
        folder = self._checkout / FOLDER
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known = sorted(folder.glob("*.log"), key=lambda path: path.name)
            for old in known[: max(0, len(known) - MOST_RUNS + 1)]:
                old.unlink(missing_ok=True)
                old.with_name(f"{old.name}.1").unlink(missing_ok=True)
            path = folder / f"{run}.log"
            path.touch(mode=0o600)
            self._handler = RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
            self.path = FOLDER / path.name

    def end(self) -> None:
        """Closes the file. The path stays: errors name it."""
        if self._handler is not None:
            self._handler.close()
            self._handler = None

    def note(self, line: str) -> None:
        """Writes one line, masked."""
        if self._handler is None:
            return
        text = f"{written(now())} {self.masked(line)}"
        # Not through a logger: nobody else is to see it, and a full disk is nothing to a run.
        with suppress(OSError):
            self._handler.emit(logging.LogRecord("pulumi", logging.INFO, "", 0, "%s", (text,), None))

    def masked(self, text: str) -> str:
        """The text without what must not be kept."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return _ALWAYS_MASKED.sub(MASK, text)
