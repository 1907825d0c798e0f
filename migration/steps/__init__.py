"""Every kind of step, one file each, in folders by what they are about. `step.py` says what a step is.

A step knows no plan.

May import: schema, stack, migration.session.
"""
