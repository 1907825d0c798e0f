"""Steps about whole tables: backup, adoption, creation; release, removal and restoration for rollbacks."""
