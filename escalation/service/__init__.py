"""The use cases: each loads, applies, saves and records in one transaction, and imports no other."""
