"""One pure module a table (item -> attributes), and the engine that applies them to live items."""

from backfills.constraints import CONSTRAINTS
from backfills.personnel import PERSONNEL
from backfills.reports import REPORTS
from backfills.vendors import VENDORS
from schema.backfill import Backfill

BACKFILLS: dict[str, Backfill] = {backfill.table: backfill for backfill in (REPORTS, PERSONNEL, VENDORS, CONSTRAINTS)}
"""Every backfill by its table's name in the schema."""
