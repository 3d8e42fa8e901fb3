"""The profile counts the function that runs, its package, and our innermost module on the stack."""

import importlib.util
import sys
from pathlib import Path
from types import FrameType, ModuleType

from bench.sampling import Samples

_INNER = """
import sys
def inner():
    return sys._getframe()
"""
_OUTER = """
def outer(inner):
    return inner()
"""


def module(folder: Path, name: str, source: str) -> ModuleType:
    file = folder / "source.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(found)
    sys.dont_write_bytecode = before
    return found


def test_a_frame_counts_for_its_function_its_package_and_our_module_below_it(tmp_path: Path) -> None:
    """Time in the standard library is its own, and that of the nearest module of ours that called it."""
    inner = module(tmp_path, "json.encoder", _INNER)
    outer = module(tmp_path, "escalation.action", _OUTER)
    door = module(tmp_path, "bot.api.routes", _OUTER)
    frame = door.outer(lambda: outer.outer(inner.inner))
    assert isinstance(frame, FrameType)

    samples = Samples()
    samples.take(frame)

    assert dict(samples.packages) == {"json (standard library)": 1}
    assert dict(samples.functions) == {"json.encoder.inner": 1}
    assert dict(samples.ours) == {"escalation.action": 1}
    assert Samples.of(samples.saved()) == samples
