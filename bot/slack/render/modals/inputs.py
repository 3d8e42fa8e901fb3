"""One argument as one input: a text, a number, yes or no, a choice, a date, or JSON as text."""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from bot.slack.render.block_kit import blocks
from bot.slack.render.block_kit.blocks import Block
from bot.wording.text import length, plain, visible
from escalation.action import Json, decode
from escalation.errors import InvalidAction

#: What one text input of Slack holds.
_LONGEST = 3000
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class UnreadableInput(Exception):
    """What was typed cannot be read; the message says what to type instead."""


class FormInput(Protocol):
    """One argument in a form."""

    @property
    def initial(self) -> str | None:
        """What the input holds when the form opens."""
        ...

    @property
    def required(self) -> bool: ...

    @property
    def is_empty_text(self) -> bool:
        """Whether it opens as an empty text, and may stay one."""
        ...

    @property
    def always_chosen(self) -> bool:
        """Whether the input, once filled, cannot be emptied."""
        ...

    @abstractmethod
    def element(self) -> Block:
        """Return the input."""
        ...

    @abstractmethod
    def raw(self, element: Mapping[str, Json]) -> str | None:
        """Return what came back in the input, or nothing."""
        ...

    @abstractmethod
    def parse(self, raw: str) -> Json:
        """Return the value of *raw*, or raise ``UnreadableInput``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _TextInput:
    """What is typed: words, a number, or JSON."""

    kind: str
    initial: str | None
    required: bool
    is_empty_text: bool = False
    always_chosen: bool = False
    least: int = 0
    most: int = _LONGEST

    def element(self) -> Block:
        drawn: Block = {
            "type": "plain_text_input",
            "action_id": "value",
            "multiline": self.kind == "json" or self._is_long,
            "max_length": max(1, min(self.most, _LONGEST)),
        }
        if 0 < self.least <= _LONGEST:
            drawn["min_length"] = self.least
        return drawn if self.initial is None else {**drawn, "initial_value": self.initial}

    @property
    def _is_long(self) -> bool:
        return self.initial is not None and (len(self.initial) > 80 or "\n" in self.initial)

    def raw(self, element: Mapping[str, Json]) -> str | None:
        value = element.get("value")
        return value if isinstance(value, str) and value != "" else None

    def parse(self, raw: str) -> Json:
        match self.kind:
            case "integer" | "number":
                return _number(raw.strip(), integer=self.kind == "integer")
            case "json":
                try:
                    return decode(raw)
                except InvalidAction as error:
                    raise UnreadableInput(plain(f"This has to be JSON: {error.problem}", 200)) from error
            case _:
                return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChoiceInput:
    """What is chosen from a list."""

    options: tuple[Json, ...]
    initial: str | None
    required: bool
    always_chosen: bool  #: Radio buttons; a list can be emptied again.
    is_empty_text: bool = False

    def element(self) -> Block:
        drawn = [blocks.option(_label(value), str(index)) for index, value in enumerate(self.options)]
        common: Block = {"action_id": "value", "options": list(drawn)}
        if self.initial is not None:
            common["initial_option"] = drawn[int(self.initial)]
        if self.always_chosen:
            return {"type": "radio_buttons", **common}
        return {"type": "static_select", "placeholder": blocks.plain_text("Choose"), **common}

    def raw(self, element: Mapping[str, Json]) -> str | None:
        picked = element.get("selected_option")
        value = picked.get("value") if isinstance(picked, Mapping) else None
        return value if isinstance(value, str) else None

    def parse(self, raw: str) -> Json:
        if not (raw.isascii() and raw.isdigit() and int(raw) < len(self.options)):
            raise UnreadableInput("Choose one of the options.")
        return self.options[int(raw)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DateInput:
    """A day."""

    initial: str | None
    required: bool
    is_empty_text: bool = False
    always_chosen: bool = False

    def element(self) -> Block:
        drawn: Block = {"type": "datepicker", "action_id": "value"}
        return drawn if self.initial is None else {**drawn, "initial_date": self.initial}

    def raw(self, element: Mapping[str, Json]) -> str | None:
        value = element.get("selected_date")
        return value if isinstance(value, str) and value else None

    def parse(self, raw: str) -> Json:
        if not _is_day(raw):
            raise UnreadableInput("Write a date such as 2026-11-30.")
        return raw


def input_of(schema: Mapping[str, Json], value: Json, *, present: bool, required: bool) -> FormInput | None:
    """Return the input for *value* under *schema*; nothing if no input of Slack's carries it unchanged."""
    if "const" in schema:
        return None
    options = _options(schema)
    if options is not None:
        return _choice_input(options, value, present=present, required=required)
    kind = _kind(schema, value, present=present)
    if kind == "date" and (not present or (isinstance(value, str) and _is_day(value))):
        return _DateInput(initial=value if isinstance(value, str) else None, required=required)
    if kind in {"string", "date"}:
        return _text_input(schema, value, present=present, required=required)
    initial = json.dumps(value, ensure_ascii=False) if present else None
    if initial is not None and not _survives(initial):
        return None
    return _TextInput(kind=kind, initial=initial, required=required)


def _text_input(
    schema: Mapping[str, Json], value: Json, *, present: bool, required: bool
) -> FormInput | None:
    if present and not (isinstance(value, str) and _survives(value)):
        return None
    least, most = schema.get("minLength"), schema.get("maxLength")
    shortest = least if isinstance(least, int) else 0
    return _TextInput(
        kind="string",
        initial=value if isinstance(value, str) and value else None,
        required=required,
        is_empty_text=present and value == "",
        # A value that breaks the schema's own bounds must still open in the form; so must one that keeps them
        # and is longer in Slack's eyes, where an emoji is two.
        least=0 if present and len(str(value)) < shortest else shortest,
        most=most if isinstance(most, int) and most >= length(str(value or "")) else _LONGEST,
    )


def _choice_input(
    options: tuple[Json, ...], value: Json, *, present: bool, required: bool
) -> FormInput | None:
    same = [index for index, option in enumerate(options) if _same(option, value)]
    if present and not same:
        return None
    initial = str(same[0]) if present else None
    radio = len(options) == 2 and options[0] is True and options[1] is False
    return _ChoiceInput(options=options, initial=initial, required=required, always_chosen=radio)


def _options(schema: Mapping[str, Json]) -> tuple[Json, ...] | None:
    if schema.get("type") == "boolean":
        return (True, False)
    enum = schema.get("enum")
    if not isinstance(enum, Sequence) or isinstance(enum, str) or not 0 < len(enum) <= blocks.OPTIONS:
        return None
    labels = [_label(value) for value in enum]
    fits = all(len(label) <= blocks.BUTTON_CHARACTERS for label in labels)
    return tuple(enum) if fits and len(set(labels)) == len(labels) else None


def _kind(schema: Mapping[str, Json], value: Json, *, present: bool) -> str:
    type_ = schema.get("type")
    if type_ == "string" and schema.get("format") == "date":
        return "date"
    if type_ in {"string", "integer", "number"}:
        fits = not present or isinstance(value, str) == (type_ == "string")
        return str(type_) if (fits and value is not None) or not present else "json"
    return "json"


def _number(text: str, *, integer: bool) -> Json:
    if _NUMBER.fullmatch(text) is None:
        raise UnreadableInput("Write a number such as 12." if integer else "Write a number such as 12.5.")
    exact = Decimal(text)
    if exact == exact.to_integral_value() and abs(exact) < 2**53:
        return int(exact)
    if integer:
        raise UnreadableInput("Write a whole number.")
    if Decimal(repr(float(exact))) != exact:
        raise UnreadableInput("This has more digits than a number keeps.")
    return float(exact)


def _survives(text: str) -> bool:
    """Return whether a text input gives *text* back as it was, and shows all of it."""
    return (
        length(text) <= _LONGEST
        and text == text.strip()
        and visible(text, newline="\n").replace("␠", " ") == text
    )


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _same(one: Json, other: Json) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _label(value: Json) -> str:
    return (
        visible(value) if isinstance(value, str) and value else visible(json.dumps(value, ensure_ascii=False))
    )
