"""Taking things back: indexes, the new tables; restoring a table beside the live one. Proposed first, then done."""
