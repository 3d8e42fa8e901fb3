"""The compiler and evaluator of CEL, without the console that its package brings along."""

import sys
from types import ModuleType

# The package imports its console, and that a terminal's toolkit: 9 MiB and 0.3 s of every start.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

from cel import Context, Program, compile  # noqa: E402, A004  # after the line above; named so there

__all__ = ["Context", "Program", "compile"]
