"""Runs the bank reconciliation agent: ``python agents/bank_reconciliation --help``."""

import sys

from reconcile.cli import main

if __name__ == "__main__":
    sys.exit(main())
