"""A form for the arguments of an action, built from its JSON Schema, and the way back."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.slack.render.block_kit import action_ids, blocks
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.modals.frame import entered, modal
from bot.slack.render.modals.inputs import FormInput, UnreadableInput, input_of
from bot.slack.render.parts.people import people
from bot.wording.arguments import is_plain, shown
from bot.wording.text import chunks, plain, visible
from bot.wording.view import View
from escalation.action import Action, Json
from escalation.configuration import ActionType
from escalation.ids import RequestId

_FIELDS = 80
_LONGEST_ID = 200
_PIECE = 1400
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the form says now: complete arguments that fit the schema."""

    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong with the form, by block id, for Slack to show beside the fields."""

    errors: dict[str, str]


def edit(view: View) -> Block:
    """Return the form that edits the arguments of *view*'s action."""
    subject, type_ = view.request.subject, view.type
    if not isinstance(subject, Action) or type_ is None:
        return _cannot(view, "Its manifest does not describe this action any more.")
    if view.authority.forbids_edits:
        return _cannot(view, "Its rule takes no edits.")
    order = _names(type_, subject.arguments)
    if len(order) > _FIELDS:
        return _cannot(view, f"It has {len(order)} arguments, more than a form can hold.")
    inputs = _inputs(type_, subject.arguments)
    if not any(part["type"] == "input" for part in inputs):
        return _cannot(view, "None of its values can be edited in Slack.")
    counts = view.authority.counts_author
    who = "You approve what you write here." if counts else "Somebody else approves what you write here."
    drawn = [_head(view, f"{who} The rules judge it anew; it may need others as well."), *inputs]
    if len(drawn) > blocks.VIEW_BLOCKS or len(json.dumps(drawn)) > blocks.VIEW_BYTES:
        return _cannot(view, "Its values are too long for a form.")
    submit = "Approve edited" if counts else "Send"
    return modal(action_ids.EDITED, "Edit", drawn, metadata=view.request.id, submit=submit)


def confirm(view: View, foreseen: View) -> Block:
    """
    Return the form as it was filled in, saying who decides the edited request before it is sent.

    *foreseen* is the request that the edit would ask.
    """
    subject, type_ = foreseen.request.subject, foreseen.type
    if not isinstance(subject, Action) or type_ is None:
        return _cannot(view, "Its manifest does not describe this action any more.")
    # At both ends: whoever pressed the button may stand at either.
    needs = _needs(foreseen)
    drawn = [_head(view, needs), *_inputs(type_, subject.arguments), blocks.section(needs)]
    metadata = f"{view.request.id}{_SEPARATOR}{needed(foreseen)}"
    return modal(action_ids.EDITED, "Others decide this", drawn, metadata=metadata, submit="Send to them")


def needed(foreseen: View) -> str:
    """Return what somebody saw who agreed to ask others: the rule, and how many have to approve."""
    return f"{foreseen.request.ruling.rule}, {foreseen.missing}"


def agreed(metadata: str) -> str:
    """Return what the form with this *metadata* had said is needed; nothing if it had not."""
    return metadata.partition(_SEPARATOR)[2]


def request_id(metadata: str) -> RequestId:
    """Return which request the form with this *metadata* edits."""
    return RequestId(metadata.partition(_SEPARATOR)[0])


def parse_edit(
    state: Mapping[str, Json], type_: ActionType, original: Mapping[str, Json]
) -> Arguments | Mistakes:
    """Return what the submitted *state* makes of the *original* arguments, or what is wrong with it.

    A field the client did not send, or sent back as it was, keeps its original value exactly.
    """
    arguments = dict(original)
    errors: dict[str, str] = {}
    for name in _names(type_, original):
        element = entered(state, block_id(name))
        if element is None:
            continue
        try:
            _read(arguments, name, element, _input(type_, name, original))
        except UnreadableInput as error:
            errors[block_id(name)] = str(error)
    if errors:
        return Mistakes(errors)
    misfit = type_.misfit(arguments)
    if misfit is None:
        return Arguments(arguments)
    return Mistakes({_where(misfit.path, type_, original): plain(misfit.problem, 200)})


def block_id(name: str) -> str:
    """Return the block id of the argument *name*: itself, or its hash when it is no plain, short name."""
    if len(name) <= _LONGEST_ID and is_plain(name):
        return name
    return "arg:" + hashlib.sha256(name.encode()).hexdigest()[:16]


def _read(
    arguments: dict[str, Json], name: str, element: Mapping[str, Json], field: FormInput | None
) -> None:
    if field is None:
        return  # Drawn as text only; a client that sends it anyway changes nothing.
    raw = field.raw(element)
    if raw is None and (field.required or field.always_chosen):
        if not field.required or name in arguments:
            return  # A client that does not send what nobody touched means: as shown.
        raise UnreadableInput("It needs a value.")
    if raw == field.initial:
        return
    if raw is None:
        arguments.pop(name, None)
    else:
        arguments[name] = field.parse(raw)


def _head(view: View, says: str) -> Block:
    return blocks.section(f"*{mrkdwn(view.title)}*\n{says}")


def _inputs(type_: ActionType, arguments: Mapping[str, Json]) -> list[Block]:
    return [part for name in _names(type_, arguments) for part in _parts(type_, name, arguments)]


def _needs(foreseen: View) -> str:
    missing, could = foreseen.missing, len(foreseen.deciders)
    if could < missing:
        return (
            f"⚠️ *Nothing would be done:* with these values {missing} other people have to approve, and "
            f"{could or 'nobody'} could. Change a value, or reject it and say why."
        )
    have = "another person has" if missing == 1 else f"{missing} other people have"
    due = foreseen.times.at(foreseen.request.deadline)
    return (
        f"⚠️ *With these values {have} to approve by {due}*, in <#{mrkdwn(foreseen.request.channel)}>: "
        f"{people(foreseen, foreseen.deciders)}. Your own approval does not count."
    )


def _names(type_: ActionType, arguments: Mapping[str, Json]) -> tuple[str, ...]:
    properties = type_.schema.get("properties")
    known = set(properties) if isinstance(properties, Mapping) else set()
    every = known | set(arguments)
    first = [name for name in dict.fromkeys(type_.display) if name in every]
    return (*first, *sorted(every - set(first)))


def _input(type_: ActionType, name: str, arguments: Mapping[str, Json]) -> FormInput | None:
    properties = type_.schema.get("properties")
    schema = properties.get(name) if isinstance(properties, Mapping) else None
    required = type_.schema.get("required")
    return input_of(
        schema if isinstance(schema, Mapping) else {},
        arguments.get(name),
        present=name in arguments,
        required=isinstance(required, list | tuple) and name in required,
    )


def _parts(type_: ActionType, name: str, arguments: Mapping[str, Json]) -> Iterator[Block]:
    field = _input(type_, name, arguments)
    label = plain(name, 150) or "(no name)"
    if field is not None:
        yield blocks.entry(
            block_id(name), label, field.element(), required=field.required and not field.is_empty_text
        )
        return
    if name not in arguments:
        return  # A constant that is not there: nothing to show and nothing to type.
    # What a form would change unasked (invisible characters, blanks at an end, sheer length) stays.
    yield blocks.verbatim(f"{label}: stays as it is; a form cannot carry it unchanged")
    value = arguments[name]
    text = shown(value) if not isinstance(value, Mapping | list) else visible(json.dumps(value))
    yield from (blocks.verbatim(piece) for piece in chunks(text, _PIECE))


def _where(path: str, type_: ActionType, original: Mapping[str, Json]) -> str:
    every = _names(type_, original)
    editable = [name for name in every if _input(type_, name, original) is not None]
    named = (
        name for name in editable if path == f"$.{name}" or path.startswith((f"$.{name}.", f"$.{name}["))
    )
    return block_id(next(named, editable[0] if editable else "$"))


def _cannot(view: View, because: str) -> Block:
    sentence = f"{because} You can still reject it and say in the reason what should change."
    return modal(
        action_ids.READ, "Cannot be edited", [blocks.section(mrkdwn(sentence))], metadata=view.request.id
    )
