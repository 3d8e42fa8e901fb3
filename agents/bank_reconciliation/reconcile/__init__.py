"""Bank reconciliation: what code can match it matches, and for the rest it asks people."""
