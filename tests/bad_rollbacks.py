"""What can be put in wrongly where something is to be rolled back: rows of the table of bad inputs."""

from __future__ import annotations

from tests.bad_inputs import Bad
from tests.bad_preparations import backup_of, ledger, own, recovery_of, table_with_an_item

ADOPTED = {"stream": "arn"}

# fmt: off
ROLLBACKS = [
    Bad("a rollback of nothing", "rollback", "Nothing to roll back is named. | There are: --index, | Add one of them"),
    Bad("a rollback of a table", "rollback --table reports", "Nothing to roll back is named. | There | Add one of"),
    Bad("a rollback of no name", ["rollback", "--backfill", "", "--yes"], "There is no table '' in | There are:"),
    Bad("a rollback that nobody confirms", "rollback --backfill reports",
        "Nothing was changed. | A rollback asks | Answer y, or",
        given=own(ledger("1#a", {}, "JOURNAL#reports"))),
    Bad("a rollback of a backfill that never ran", "rollback --backfill reports --yes --json",
        "There is nothing to roll back on reports. | The ledger holds no journal | Run: ./invoke status", 4),
    Bad("two rollbacks", "rollback --new-tables --backfill reports",
        "--backfill and --new-tables exclude each other. | One rollback at a time. | Drop one."),
    Bad("two sources", ["rollback", "--table", "reports", "--from-backup", "", "--to-time", ""],
        "--from-backup and --to-time exclude each other. | One rollback at a time. | Drop one."),
    Bad("a rollback of an index of no table", "rollback --index GSI3-StatusIndex --json",
        "--index needs --table. | It is about one table. | Add --table."),
    Bad("a restoration of no table", "rollback --from-backup latest", "--from-backup needs --table. | It is | Add --t"),
    Bad("a rollback of the new tables of one", "rollback --new-tables --table reports",
        "--new-tables and --table exclude each other. | --table goes with --from-backup, --index, --to-time. | Drop"),
    Bad("data that is held elsewhere", "rollback --table reports --index GSI3-StatusIndex --holding-data reports",
        "--holding-data needs --new-tables. | It names new tables. | Add --new-tables."),
    Bad("a pace for a removal", "rollback --new-tables --rate 5", "--new-tables has no --rate or | They pace | Drop"),
    Bad("a rollback of an unknown index", "rollback --table reports --index GSI3-Status",
        "Table reports has no index 'GSI3-Status'. | It has: GSI1-ProjectIndex, | Did you mean GSI3-StatusIndex?"),
    Bad("a restoration of an unknown table", "rollback --table report --from-backup latest",
        "There is no table 'report' | There are: reports, | Did"),
    *(Bad(f"a restoration to {time!r}", ["rollback", "--table", "reports", "--to-time", time], says)
      for time, says in (
          ("yesterday", "--to-time 'yesterday' is no time. | A time is like 2025-11-04T09:30:00Z, | Correct the flag."),
          ("", "--to-time '' is no time. | A time is like 2025-11-04T09:30:00Z, | Correct the flag."),
          ("2025-11-04T09:30:00", "--to-time '2025-11-04T09:30:00' has no zone. | A time is like | Add the zone"),
          ("2999-01-01T00:00:00Z", "--to-time '2999-01-01T00:00:00Z' is still to come. | A table | Correct the flag."),
      )),
    Bad("a rollback before the first run", "rollback --table reports --index GSI3-StatusIndex --yes",
        "Table reports was never adopted. | No run has changed its | Run: ./invoke status", 4),
    Bad("a rollback of an index that was there before", "rollback --table reports --index GSI1-ProjectIndex --yes",
        "Index reports/GSI1-ProjectIndex is no new one. | It was live before | Only a new index", 4,
        given=own(ledger("table#reports", ADOPTED))),
    Bad("a rollback of an index that is not there", "rollback --table reports --index GSI3-StatusIndex --yes --json",
        "Index reports/GSI3-StatusIndex is not there. | So there is nothing to roll back. | Run: ./invoke plan", 4,
        given=own(ledger("table#reports", ADOPTED))),
    Bad("a rollback of a removal that was not made", "rollback --table personnel --index GSI2-ProjectIndex --yes",
        "Index personnel/GSI2-ProjectIndex is there. | It was not removed, so | Run: ./invoke plan", 4,
        given=own(ledger("table#personnel", ADOPTED))),
    Bad("a rollback of no new table", "rollback --new-tables --yes",
        "Stack local has no new table. | So there is nothing to roll back. | Run: ./invoke plan", 4),
    Bad("a rollback of a table that is not new", "rollback --new-tables --holding-data work-logs,reports --yes",
        "'reports' is no new table. | The schema's new tables: work-logs, ai-analysis-cache. | Correct --holding-data"),
    Bad("a rollback of a table that holds data", "rollback --new-tables --yes --json",
        "New tables hold data: work-logs. | They are removed only | If that is right, add: --holding-data work-logs", 4,
        given=own(table_with_an_item("work-logs"))),
    Bad("a rollback of tables that nobody confirms", "rollback --new-tables --holding-data work-logs",
        "Removes table work-logs, which holds data, and its 2 indexes, once a backup of it is AVAILABLE. | "
        "What reads them fails from then on: equipment use. | What reads them fails from then on: work of a team. | "
        "Nothing was changed. | A rollback asks first. | Answer y, or add --yes.",
        given=own(table_with_an_item("work-logs"))),
    Bad("a restoration from no backup", "rollback --table vendors --from-backup latest --yes",
        "There is no backup of table vendors. | AWS lists none of | Run: ./invoke rollback --table vendors --to-", 4,
        given=own()),
    Bad("a restoration from an unknown backup", "rollback --table vendors --from-backup newest --yes",
        "There is no backup 'newest'. | A backup is named by its ARN, or is | See: aws dynamodb list-backups"),
    Bad("a restoration over another one", "rollback --table vendors --from-backup latest --yes --json",
        "Table | A table is restored under that name, and never | Once nobody needs it, delete it: aws dynamodb", 4,
        given=own(backup_of("vendors"), table_with_an_item("vendors-restored"))),
    Bad("a restoration to a time that was not kept", "rollback --table vendors --to-time 2025-11-04T09:30:00+01:00",
        "Table vendors cannot be restored to 2025-11-04T08:30:00Z. | AWS has kept it from | Give --to-time a time", 4,
        given=own(recovery_of("vendors"))),
    Bad("a restoration to a time without recovery", "rollback --table vendors --to-time 2025-11-04T09:30:00Z --yes",
        "Table vendors has no point-in-time recovery. | AWS keeps | Run: ./invoke rollback --table vendors", 4),
]
# fmt: on
