"""The approved postings: the value, and the append-only file that they are written to."""
