"""The tasks of this project: `./invoke --list` shows them."""

from pathlib import Path

from orders.project import PROJECT
from terminal.collection import collection

ns = collection(PROJECT, Path(__file__).parent)
