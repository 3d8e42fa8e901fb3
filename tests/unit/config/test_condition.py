"""What a condition looks at is found in its words, but not in its texts."""

import pytest

from bot.config.condition import looks


@pytest.mark.parametrize(
    ("source", "arguments", "ordered"),
    [
        ("args.a < 5", {"a"}, {"a"}),
        ("args . a == 5", {"a"}, set()),
        ("decimal(args.a) < 5", {"a"}, set()),
        ("5 >= args.a", {"a"}, {"a"}),
        ("args['a'] == 5 && args[\"b\"] == 6", {"a", "b"}, set()),
        ("args.a == 'args.b < 5'", {"a"}, set()),
        (r"args.a == 'it\'s args.b'", {"a"}, set()),
        ('args.a == "args.b"', {"a"}, set()),
        ("args.a.b > 3", {"a"}, set()),
        ("confidence > 0.5", set(), set()),
        ("myargs.a == 1", set(), set()),
        ("args.a in ['x'] && args.b >= 1.0", {"a", "b"}, {"b"}),
    ],
)
def test_what_a_condition_looks_at(source: str, arguments: set[str], ordered: set[str]) -> None:
    """The arguments a condition names, and those it compares by order as they are."""
    found = looks(source)

    assert found.arguments == arguments
    assert found.ordered == ordered
