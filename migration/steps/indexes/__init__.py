"""Steps about one index: creating, verifying, settling its capacity, reading, browning out and removing it."""
