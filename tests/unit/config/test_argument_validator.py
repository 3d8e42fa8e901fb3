"""What the compiled check says of arguments is what another validator, written in Python, says."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.argument_validator import misfit
from tests.unit.config.argument_oracle import oracle

TEXTS = st.sampled_from(
    [
        *("", "a", "ab", "abc", "A", "ä", "😀", "a\n", "0", "7", "50", "٥", "-1", "1.50", "a b"),
        *("2026-02-28", "2026-02-30", "20260228", "2026-W01-1", "a@b", "@", "10.0.0.1", "010.0.0.1", "::1"),
        *("fe80::1%eth0", "12345678-1234-5678-1234-567812345678", "12345678123456781234567812345678"),
        *("{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-567812345678"),
    ]
)
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.sampled_from(
        [2**53 - 1, 1 - 2**53, 0.0, -0.0, 0.1, 0.3, 0.7, 1.0, 1.1, 2.5, 19.99, 1e-7, 1e21, 1e300]
    ),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
NAMES = st.sampled_from(["a", "b", "c_1", "a.b", "ä", "it's", "01", "7", "properties", "\\"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
PATTERNS = st.sampled_from(
    [
        r"^[0-9]{1,9}$",
        r"^\d+$",
        r"\w",
        r"^[^\u0000-\u001f]*$(?!\n)",
        r"^(?!0+$)[0-9]+$(?!\n)",
        "^a$|^b$",
        r"a\$",
        "^ä",
        r"\s",
    ]
)


def _words(**words: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=words)


def _with(
    fixed: dict[str, Any], more: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return more.map(lambda words: {**fixed, **words})


_SMALL = st.integers(0, 3)
STRINGS = _with({"type": "string"}, _words(
    minLength=_SMALL, maxLength=_SMALL, pattern=PATTERNS, description=st.just("a form"),
    format=st.sampled_from(["date", "email", "ipv4", "ipv6", "uuid"]),
))  # fmt: skip
_STEPS = st.sampled_from([1, 2, 3, 0.1, 0.01, 0.5, 2.0, 1e-7])
_LIMITS = _words(
    minimum=NUMBERS, maximum=NUMBERS, exclusiveMinimum=NUMBERS, exclusiveMaximum=NUMBERS, multipleOf=_STEPS
)
LISTED = _words(enum=st.lists(VALUES, min_size=1, max_size=4), const=VALUES)
KINDS = st.lists(
    st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"]),
    min_size=1, max_size=3, unique=True,
)  # fmt: skip
LEAVES = st.one_of(
    STRINGS,
    _with({"type": "integer"}, _LIMITS),
    _with({"type": "number"}, _LIMITS),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}]),
    LISTED,
    KINDS.map(lambda kinds: {"type": kinds}),
)


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, inner, max_size=3))
    required = draw(st.lists(st.sampled_from([*properties, "a"]), max_size=3, unique=True))
    counts = draw(_words(minProperties=_SMALL, maxProperties=_SMALL))
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "properties": properties, "required": required, **counts}


def _around(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = _words(items=inner, minItems=_SMALL, maxItems=_SMALL, uniqueItems=st.booleans())
    choices = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _objects(inner), _with({"type": "array"}, lists), _words(anyOf=choices), _words(oneOf=choices)
    )


SCHEMAS = _objects(st.recursive(LEAVES, _around, max_leaves=5))


@st.composite
def _cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a schema and arguments that mostly have its names: else all of them fail for the same reason."""
    schema = draw(SCHEMAS)
    names = draw(st.sampled_from([[*schema["properties"], *schema["required"]]] * 3 + [["a", "b"]]))
    return schema, {name: draw(_like(schema["properties"].get(name, {}))) for name in names}


def _like(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    match schema.get("type"):
        case "string":
            return TEXTS
        case "integer" | "number":
            return NUMBERS
        case "array":
            return st.lists(_like(schema.get("items", {})), max_size=3)
        case "object":
            return st.fixed_dictionaries({name: _like(each) for name, each in schema["properties"].items()})
        case _:
            return VALUES


@given(_cases())
@settings(max_examples=300)
def test_the_check_is_the_oracle_s(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Of any schema and arguments both say the same: that they fit, or one misfit in the same words."""
    schema, arguments = case

    assert misfit(schema)(arguments) == oracle(schema)(arguments)
