"""What a plain `pulumi preview` or `pulumi up` runs."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parents[1]))  # where the tool is

from components.program import run  # noqa: E402
from orders.project import PROJECT  # noqa: E402

run(PROJECT, FOLDER)
