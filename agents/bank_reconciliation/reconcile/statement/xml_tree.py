"""
A small XML tree from expat that refuses what attacks are made of.

A document type, an entity declaration or an external reference ends the parse at once, so nothing can expand
and nothing is fetched; size, depth and the number of elements are bounded.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from reconcile.shared.errors import StatementRefused

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 400_000


@dataclass(slots=True, kw_only=True)
class Element:
    """An element: name without namespace, attributes, children and its own text."""

    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The element's own text without surrounding white space."""
        return "".join(self.parts).strip()

    def all(self, path: str) -> list["Element"]:
        """Return the elements at *path*, names joined by slashes."""
        found = [self]
        for name in path.split("/"):
            found = [child for parent in found for child in parent.children if child.name == name]
        return found


def parse(data: bytes, *, namespace: str) -> Element:
    """Return the root of *data*; every element must be in *namespace*. Raise `StatementRefused` otherwise."""
    if len(data) > MAX_BYTES:
        raise StatementRefused(f"the XML has {len(data)} bytes; at most {MAX_BYTES} are read")
    builder = _Builder(namespace)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_entity
    parser.ExternalEntityRefHandler = _refuse_external
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise StatementRefused(f"the file is not well-formed XML: {error}") from error
    return builder.root


class _Builder:
    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace} "
        self._elements = 0
        self._open = [Element(name="", attributes={})]

    @property
    def root(self) -> Element:
        return self._open[0].children[0]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) > MAX_DEPTH:
            raise StatementRefused(f"the XML is nested deeper than {MAX_DEPTH} elements")
        if self._elements > MAX_ELEMENTS:
            raise StatementRefused(f"the XML has more than {MAX_ELEMENTS} elements")
        if not name.startswith(self._prefix):
            raise StatementRefused(f"element {name!r} is not in the namespace {self._prefix.strip()}")
        element = Element(name=name.removeprefix(self._prefix), attributes=attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].parts.append(text)


def _refuse_doctype(*_: object) -> None:
    raise StatementRefused("the XML declares a document type; a bank statement never does, so it is refused")


def _refuse_entity(*_: object) -> None:
    raise StatementRefused("the XML declares an entity; a bank statement never does, so it is refused")


def _refuse_external(*_: object) -> int:
    raise StatementRefused("the XML refers to something outside itself, so it is refused")
