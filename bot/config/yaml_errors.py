"""Says in people's words where a text stops being YAML, and what to write there."""

from dataclasses import dataclass

import yaml

from bot.config.problem import Finding


@dataclass(frozen=True, slots=True)
class SyntaxTrouble:
    """A line, counted from 0, and what is wrong there."""

    line: int
    finding: Finding


_INDENT = "begin it in the column of the lines it belongs to"


def trouble(error: yaml.MarkedYAMLError, text: str) -> SyntaxTrouble:
    """Return what *error* found in *text*."""
    here = error.problem_mark or error.context_mark
    if here is None:
        return SyntaxTrouble(0, Finding("is not YAML", "mend the syntax"))
    # Where something was opened and not closed, the reader notices only later.
    opened = here if error.context_mark is None else error.context_mark
    problem, found = str(error.problem), str(error.problem).rpartition("found ")[2]
    match problem.split(",", maxsplit=1)[0]:
        case "mapping values are not allowed here":
            return SyntaxTrouble(here.line, _colon(text.splitlines()[here.line][: here.column]))
        case "expected <block end>":
            return SyntaxTrouble(here.line, _no_neighbour(found))
        case "could not find expected ':'":
            return SyntaxTrouble(
                opened.line,
                Finding("lacks the colon after a key here", "write the key, a colon, a blank, the value"),
            )
        case "expected '":  # a comma, or the bracket that closes
            return SyntaxTrouble(
                opened.line,
                Finding("opens a bracket here and does not close it", "close it, or add the comma"),
            )
        case "found character '\\t' that cannot start any token":
            return SyntaxTrouble(here.line, Finding("has a tab here", "indent with blanks"))
        case "found unexpected end of stream":
            return SyntaxTrouble(opened.line, Finding("opens a quote here and does not close it", "close it"))
        case "but found another document":
            return SyntaxTrouble(
                here.line, Finding("begins a second document here", "keep one, and remove the ---")
            )
        case "expected the node content":
            return SyntaxTrouble(
                here.line, Finding("lacks a value here", "write one, or remove the comma or the bracket")
            )
        case _ if "cannot start any token" in problem:
            return SyntaxTrouble(
                here.line,
                Finding("has a value here that begins with a sign of YAML's own", "put it in quotes"),
            )
        case _ if "unknown escape character" in problem:
            return SyntaxTrouble(
                here.line, Finding("has a backslash in double quotes here", "put the value in single quotes")
            )
        case _:
            return SyntaxTrouble(here.line, Finding(f"is not YAML ({problem})", "mend the syntax here"))


def _colon(before: str) -> Finding:
    if ": " in before:
        return Finding("has a second colon in one line here", "put the value in quotes")
    return Finding(
        "is indented wrongly: this line is deeper than the one above, which has its value", _INDENT
    )


def _no_neighbour(found: str) -> Finding:
    match found:
        case "'?'":
            return Finding("has a key among the items of a list here", _INDENT)
        case "'-'":
            return Finding("has an item of a list among the keys of a table here", _INDENT)
        case "'<scalar>'":
            return Finding("goes on after a closing quote here", "put the whole value in one pair of quotes")
        case _:
            said = "is indented wrongly: this line is deeper than the list or table it could belong to"
            return Finding(said, _INDENT)
