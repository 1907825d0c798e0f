"""The tasks, one file a group. A task reads its flags, calls what does the work, and returns its result."""
