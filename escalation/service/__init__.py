"""The use cases: each loads, applies, saves, and tells the record, in one transaction."""
