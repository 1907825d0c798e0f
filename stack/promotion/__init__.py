"""Promotion: what one stack has to show before another one may be changed by the same code.

The rules are pure: `attestable.py` says what is attested of staging, `promotable.py` what prod wants of an attestation.

May import: schema, dynamo, stack.file, stack.ledger, stack.gates, stack.monitoring, stack.world, stack.
"""
