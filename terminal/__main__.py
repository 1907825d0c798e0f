"""`./invoke`: the invoke program over tasks.py."""

from terminal.main import Invoke

Invoke(name="./invoke", binary="./invoke").run()
