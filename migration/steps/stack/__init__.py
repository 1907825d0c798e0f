"""Steps about the whole stack: waiting for AWS, monitoring, verifying."""
