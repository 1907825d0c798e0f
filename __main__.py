"""What a plain `pulumi preview` or `pulumi up` runs."""

from pathlib import Path

from components.program import run
from sitelogix.project import PROJECT

run(PROJECT, Path(__file__).parent)
