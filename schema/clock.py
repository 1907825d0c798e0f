"""The one clock of the tool: what is recorded, compared or waited for is told by it. No setting moves it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def at_present() -> datetime:
    """The time in UTC, to the microsecond."""
    return datetime.fromtimestamp(time.time(), UTC)
