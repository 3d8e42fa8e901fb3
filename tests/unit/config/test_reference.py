"""The reference of the configuration names every key there is, and its examples are valid."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest

from bot.config import Settings
from bot.config.argument_schema import faults
from bot.config.installation import InstallationShape
from bot.config.manifest import ManifestShape
from bot.config.runbooks import FrontMatterShape
from bot.config.shape import Shape
from tests.unit.config.kit import Site
from tests.unit.house.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
LONGEST = 300  # lines: a third of them are examples
#: Each kind of file, by the heading of its part.
FILES: dict[str, type[Shape]] = {
    "andon.yaml": InstallationShape,
    "agents/*/manifest.yaml": ManifestShape,
    "runbooks/*.md": FrontMatterShape,
}
#: What stands for words of the reader's own, by the key whose table they are in.
OWN = {"people": "NAME", "teams": "NAME", "actions": "TYPE"}


def part(heading: str) -> str:
    """Return the page's part under *heading*, up to the next such heading outside an example."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    bare = re.sub(r"(?ms)^```.*?^```$", lambda block: " " * len(block[0]), rest)
    end = re.search(r"(?m)^## ", bare)
    return rest if end is None else rest[: end.start()]


def rows(heading: str) -> dict[str, str]:
    """Return what the tables of keys under *heading* give as each key's default."""
    lines = re.findall(r"(?m)^\| (`[^|]+`) \| [^|]+ \| ([^|]+) \| [^|]+ \|$", part(heading))
    found = [(key, default) for named, default in lines for key in re.findall(r"`([^`]+)`", named)]
    assert len(dict(found)) == len(found), "a key stands there twice"
    return dict(found)


def words(text: str) -> set[str]:
    """Return what *text* has in backticks."""
    return set(re.findall(r"`(\w+)`", text))


def keys(shape: type[Shape], around: str = "") -> Iterator[tuple[str, bool, type[Shape]]]:
    """Yield each key that *shape* takes, as the page writes it, whether it has to be there, and where."""
    for field, info in shape.model_fields.items():
        key = f"{around}{info.alias or field}"
        yield key, info.is_required(), shape
        for inner, deeper in shapes_in(info.annotation):
            place = deeper.replace("{}", OWN.get(info.alias or field, "?"))
            yield from keys(inner, f"{key}{place}.")


def shapes_in(kind: Any, place: str = "") -> Iterator[tuple[type[Shape], str]]:
    """Yield the shapes within the annotation *kind*, each with what leads to it."""
    if isinstance(kind, type) and issubclass(kind, Shape):
        yield kind, place
        return
    step = {dict: ".{}", list: "[]"}.get(get_origin(kind), "")
    for inner in get_args(kind):
        yield from shapes_in(inner, place + step)


def descendants(shape: type[Shape]) -> Iterator[type[Shape]]:
    """Yield every kind of *shape*."""
    for child in shape.__subclasses__():
        yield child
        yield from descendants(child)


@pytest.mark.parametrize("file", FILES)
def test_every_key_has_its_line(file: str) -> None:
    """Each key of a file has one line in its part of the page, and no line is about a key that is gone."""
    known = {key for key, _, _ in keys(FILES[file])}

    assert set(rows(f"`{file}`")) == known


@pytest.mark.parametrize("file", FILES)
def test_what_is_required_is_called_so(file: str) -> None:
    """Where the page says *required* the loader asks for the key; anywhere else it does without."""
    said = {key: default == "required" for key, default in rows(f"`{file}`").items()}

    assert said == {key: required for key, required, _ in keys(FILES[file])}


def test_no_shape_is_left_out() -> None:
    """Whatever the loader takes is part of one of the three kinds of files."""
    reached = {shape for root in FILES.values() for _, _, shape in keys(root)}

    assert {shape for shape in descendants(Shape) if shape.__module__.startswith("bot.")} == reached


@pytest.mark.parametrize("file", FILES)
def test_what_is_not_built_is_said(file: str) -> None:
    """A key that is refused because it would do nothing is named as such."""
    unbuilt = {word for _, _, shape in keys(FILES[file]) for word in shape.unbuilt}
    said = " ".join(re.findall(r"(?ms)efused, because it is not built yet: (.+?)\n\n", part(f"`{file}`")))

    assert words(said) == unbuilt


@pytest.mark.parametrize(
    ("listed", "odd"), [("| Words | ", {"q" * 20: 1}), ("Formats: ", {"format": "q" * 20})]
)
def test_the_words_of_a_schema_are_those_it_takes(listed: str, odd: dict[str, object]) -> None:
    """The page lists exactly the words, and the formats, that the loader advises in place of an odd one."""
    argument = {"type": "string", "maxLength": 1, **odd}
    whole = {
        "type": "object",
        "properties": {"a": argument},
        "required": ["a"],
        "additionalProperties": False,
    }
    (fault,) = faults(whole)
    _, _, said = part("`agents/*/manifest.yaml`").partition(listed)

    assert words(said.partition(" |\n")[0]) == words(fault.advice)


def test_every_variable_has_its_line() -> None:
    """Each environment variable that the bot reads has its line, and no line is about another."""
    listed = re.findall(r"(?m)^\| `([A-Z_]+)` \|", part("Environment"))

    assert set(listed) == {name.upper() for name in Settings.model_fields}


def test_the_examples_are_valid(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The three examples, copied into a folder, are a configuration with which nothing is wrong."""
    site = Site(tmp_path_factory.mktemp("page"))
    examples = re.findall(r"(?ms)^`([^`\n]+)`:\n\n```\w+\n(.+?)^```$", PAGE)
    assert [name for name, _ in examples] == [
        "andon.yaml", "agents/payer/manifest.yaml", "runbooks/payer.md",
    ]  # fmt: skip
    for name, text in examples:
        site.write(name, text)

    assert site.problems() == []
    assert set(site.load().runbooks) == {"payer"}


def test_the_page_is_short_enough_to_be_read() -> None:
    """Whoever looks something up does not have to search for it."""
    assert len(PAGE.splitlines()) <= LONGEST
