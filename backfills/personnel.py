"""personnel: every profile gets a status and the date on which the person was last seen."""

from backfills.last_seen import last_seen
from schema.backfill import Backfill, constant

PERSONNEL = Backfill(
    table="personnel",
    rules={"status": constant("active"), "dateLastSeen": last_seen},
    reads=("updatedAt", "createdAt"),
    sort_key="PROFILE",
    newest_of="HISTORY#",
)
