"""What every step works with: clients, ledger, engine, notices, the lease, and how a run is stopped.

The engine is the only importer of Pulumi's Automation API.

May import: schema, dynamo, stack, backfills, migration.engine.
"""
