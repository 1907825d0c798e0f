"""What should exist: the schema model, the rules of backfills, and what a project hands to the tool."""
