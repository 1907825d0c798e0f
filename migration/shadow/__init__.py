"""Shadow reads: what an index answers, compared with what its table says."""
