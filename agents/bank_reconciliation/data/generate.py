"""
Makes the sample months: a small one to try, and October 2026 of a fictional Muscat trading company.

    python agents/bank_reconciliation/data/generate.py

Every name, number and account is invented; the same program always writes the same bytes. The month is told
as events (`small.py`, `october.py` decide what happened); here they become the bank's files and the ERP's.
"""

import sys
from pathlib import Path

from sample import october, small
from sample.write import write

HERE = Path(__file__).parent

if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    write(target / "small", small.month())
    write(target / "2026-10", october.month())
