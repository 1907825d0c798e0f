"""Telling a team by SNS how runs go: that one started, waits, is done, failed, or was taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dynamo.errors import error_code
from stack.file.config import StackConfig

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

LONGEST_SUBJECT = 100
"""Characters of a subject; it has to be ASCII, on one line (AWS)."""


@dataclass(frozen=True)
class Notice:
    """`what` happened to the run of a `command` (its id is `run`), `why`, and the command to run `next`."""

    what: str
    command: str
    run: str
    why: str = ""
    next: str = ""


class Notifier:
    """Publishes to the stack's topic. Before the topic exists notices are kept, and sent once it does. A notice that
    cannot be sent never fails a run: `say` is told, once."""

    def __init__(self, client: SNSClient | None, config: StackConfig, say: Callable[[str], None]) -> None:
        self._client = client if config.is_monitored else None
        self._config = config
        self._say = say
        self._kept: list[Notice] = []
        self._failed = False

    def tell(self, notice: Notice) -> None:
        """Sends a notice, after those that were kept."""
        self._kept.append(notice)
        self.flush()

    def flush(self) -> None:
        """Sends what was kept."""
        while self._client is not None and self._kept and self._sent(self._client, self._kept[0]):
            del self._kept[0]

    def _sent(self, client: SNSClient, notice: Notice) -> bool:
        try:
            client.publish(
                TopicArn=self._config.topic_arn, Subject=self._subject(notice), Message=self._message(notice)
            )
        except ClientError as error:
            if error_code(error) in {"NotFound", "NotFoundException"}:
                return False
            self._fail(error)
        except BotoCoreError as error:
            self._fail(error)
        return True

    def _fail(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            self._say(f"The team could not be told: {error}")

    def _subject(self, notice: Notice) -> str:
        text = f"[{self._config.stack}] {notice.command}: {notice.what}"
        return " ".join(text.encode("ascii", "replace").decode().split())[:LONGEST_SUBJECT]

    def _message(self, notice: Notice) -> str:
        config = self._config
        lines = {
            "Stack": f"{config.stack} (account {config.settings.account}, {config.region})",
            "Run": notice.run,
            "What": f"{notice.command}: {notice.what}",
            "Why": notice.why,
            "Next": notice.next,
            "Way back": f"./invoke --help rollback; what was done: ./invoke history --stack {config.stack}",
            "Contact": config.settings.contact or "",
        }
        return "\n".join(f"{name}: {text}" for name, text in lines.items() if text)
