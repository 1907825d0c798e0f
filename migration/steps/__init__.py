"""Every kind of step, one file each, in folders by what they are about. `step.py` says what a step is.

May import migration/session, migration/checks, migration/shadow and what stands below migration/.
"""
