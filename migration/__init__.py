"""The run, in the order in which data flows: plan, steps, engine, runner, verify, report."""
