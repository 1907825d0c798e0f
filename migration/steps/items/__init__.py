"""Steps about items: backfilling them, looking for late writers, comparing what is read of them."""
