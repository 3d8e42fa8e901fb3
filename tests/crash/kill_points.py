"""Every kill point in the code."""

import re

from tests.unit.house.repository import ROOT

_POINT = re.compile(r'\bkill\(\s*"([a-z-]+:[a-z-]+)"\s*\)')


def points() -> list[str]:
    """Return every kill point in the code."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "escalation").rglob("*.py")))
    return sorted({point for source in sources for point in _POINT.findall(source)})
