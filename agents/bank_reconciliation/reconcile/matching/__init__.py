"""Which lines of the statement and entries of the ledger are the same money."""
