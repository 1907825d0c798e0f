"""How the schema is declared to Pulumi: one component a table, and the hooks that guard every change."""
