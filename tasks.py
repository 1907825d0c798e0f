"""The tasks of this checkout: `./invoke --list` shows them. The next line says which project it is."""

from pathlib import Path

from sitelogix.project import PROJECT
from terminal.collection import collection

ns = collection(PROJECT, Path(__file__).parent)
