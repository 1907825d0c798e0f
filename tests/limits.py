"""Limits for what hangs. None of them says how long something takes: a slow machine with other work stays far below."""

HANGS = 3600.0
"""Seconds after which a command is thought to hang: a whole migration takes one minute, on a slow machine ten."""
ENDING = 60.0
"""Seconds in which a process that was told to end has ended."""
EXPECTED = 600.0
"""Seconds in which something has happened that usually takes a few."""
