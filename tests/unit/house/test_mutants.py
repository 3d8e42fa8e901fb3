"""The seeded bugs: each still applies to the code, and names a test that exists."""

from pathlib import Path

import pytest

from tests.mutants.catalogue import ROOT, Mutant, NoMutant, apply, mutants

EVERY = mutants()


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_still_applies(mutant: Mutant) -> None:
    """A patch of code that has moved on seeds nothing."""
    assert apply(mutant, ROOT, "--check") is None


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_names_a_test(mutant: Mutant) -> None:
    """Who catches it is a test that is there."""
    path, _, name = mutant.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    ["", "--- a/x\n+++ b/x\n", "It breaks.\n\n--- a/x\n", "It breaks.\n\nCaught by: nobody\n\n--- a/x\n"],
)
def test_a_patch_without_its_two_lines_is_refused(tmp_path: Path, text: str) -> None:
    """What it breaks and who catches it stand before the diff, or the patch is no mutant."""
    (tmp_path / "odd.patch").write_text(text, encoding="utf-8")
    with pytest.raises(NoMutant, match="Caught by"):
        mutants(tmp_path)
