"""`./invoke`: the invoke program over tasks.py."""

from terminal.main import main

main()
