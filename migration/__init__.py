"""The run, in the order in which data flows: session, steps, plan, run, rollback.

A plan is made of steps, and a run does the first step of a plan until none is left.

May import: schema, dynamo, stack, backfills, loadtest.
"""
