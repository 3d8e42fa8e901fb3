"""
Slack's limits on messages and views, checked independently of how they were drawn.

``message_problems`` and ``view_problems`` list what Slack would refuse, each with its path; an empty
list means that Slack would take it. What the checker does not know, it calls a problem.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Payload = Mapping[str, Any]
Problems = Iterator[str]

_STYLES = {None, "primary", "danger"}


def message_problems(payload: Payload) -> list[str]:
    """Return what Slack would refuse of a message: *payload* has ``text`` and ``blocks``."""
    return list(_message(payload))


def view_problems(view: Payload) -> list[str]:
    """Return what Slack would refuse of a modal or Home *view*."""
    return list(_view(view))


def texts(payload: object) -> Iterator[tuple[str, str]]:
    """Yield every text object in *payload* as (type, text), in reading order."""
    if isinstance(payload, Mapping):
        if payload.get("type") in {"plain_text", "mrkdwn"} and isinstance(payload.get("text"), str):
            yield payload["type"], payload["text"]
            return
        for value in payload.values():
            yield from texts(value)
    elif isinstance(payload, Sequence) and not isinstance(payload, str):
        for value in payload:
            yield from texts(value)


def elements(payload: object) -> Iterator[Payload]:
    """Yield every interactive element in *payload*."""
    if isinstance(payload, Mapping):
        if "action_id" in payload:
            yield payload
        for value in payload.values():
            yield from elements(value)
    elif isinstance(payload, Sequence) and not isinstance(payload, str):
        for value in payload:
            yield from elements(value)


def _message(payload: Payload) -> Problems:
    text = payload.get("text")
    if not isinstance(text, str) or not text:
        yield "text: a message needs a text for notifications and screen readers"
    elif _length(text) > 3000:
        yield f"text: {_length(text)} characters; keep it to 3000"
    found = payload.get("blocks", [])
    yield from _blocks(found, "blocks", most=50)
    if any(isinstance(block, Mapping) and block.get("type") == "input" for block in found):
        yield "blocks: an input belongs into a view"


def _view(view: Payload) -> Problems:
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        yield f"type: {kind!r} is no view"
    found = view.get("blocks", [])
    yield from _blocks(found, "blocks", most=100)
    if len(str(view.get("private_metadata", ""))) > 3000:
        yield "private_metadata: more than 3000 characters"
    if len(str(view.get("callback_id", ""))) > 255:
        yield "callback_id: more than 255 characters"
    if kind == "modal":
        yield from _plain(view.get("title"), "title", 24)
        for name in ("submit", "close"):
            if name in view:
                yield from _plain(view[name], name, 24)
        inputs = any(isinstance(block, Mapping) and block.get("type") == "input" for block in found)
        if inputs and "submit" not in view:
            yield "submit: a form with inputs needs it"


def _blocks(found: Any, path: str, *, most: int) -> Problems:
    if not isinstance(found, Sequence) or isinstance(found, str):
        yield f"{path}: is no list"
        return
    if len(found) > most:
        yield f"{path}: {len(found)} blocks; at most {most}"
    ids = [block["block_id"] for block in found if isinstance(block, Mapping) and "block_id" in block]
    if len(set(ids)) != len(ids):
        yield f"{path}: a block_id is used twice"
    for index, block in enumerate(found):
        yield from _block(block, f"{path}[{index}]")


def _block(block: Any, path: str) -> Problems:
    if not isinstance(block, Mapping):
        yield f"{path}: is no object"
        return
    check = _BLOCKS.get(str(block.get("type")))
    if check is None:
        yield f"{path}: {block.get('type')!r} is no block we draw"
        return
    yield from _id(block, "block_id", path, required=False)
    yield from check(block, path)


def _section(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "text", "fields", "accessory", "block_id")
    if "text" not in block and not block.get("fields"):
        yield f"{path}: a section needs text or fields"
    if "text" in block:
        yield from _text(block["text"], f"{path}.text", 3000)
    if "fields" in block:
        found = block["fields"]
        if not 1 <= len(found) <= 10:
            yield f"{path}.fields: {len(found)}; 1 to 10"
        for index, field in enumerate(found):
            yield from _text(field, f"{path}.fields[{index}]", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{path}.accessory")


def _header(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "text", "block_id")
    yield from _plain(block.get("text"), f"{path}.text", 150)


def _context(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "elements", "block_id")
    found = block.get("elements", [])
    if not 1 <= len(found) <= 10:
        yield f"{path}.elements: {len(found)}; 1 to 10"
    for index, element in enumerate(found):
        yield from _text(element, f"{path}.elements[{index}]", 2000)


def _divider(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "block_id")


def _actions(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "elements", "block_id")
    found = block.get("elements", [])
    if not 1 <= len(found) <= 25:
        yield f"{path}.elements: {len(found)}; 1 to 25"
    ids = [element.get("action_id") for element in found]
    if len(set(ids)) != len(ids):
        yield f"{path}.elements: an action_id is used twice"
    for index, element in enumerate(found):
        if element.get("type") not in {"button", "overflow", "static_select", "datepicker", "radio_buttons"}:
            yield f"{path}.elements[{index}]: {element.get('type')!r} does not belong into actions"
        yield from _element(element, f"{path}.elements[{index}]")


def _input(block: Payload, path: str) -> Problems:
    yield from _only(block, path, "label", "element", "optional", "block_id", "hint")
    yield from _plain(block.get("label"), f"{path}.label", 2000)
    element = block.get("element", {})
    if element.get("type") not in {"plain_text_input", "static_select", "datepicker", "radio_buttons"}:
        yield f"{path}.element: {element.get('type')!r} does not belong into an input"
    yield from _id(block, "block_id", path, required=True)
    yield from _element(element, f"{path}.element")


_BLOCKS: Mapping[str, Callable[[Payload, str], Problems]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "divider": _divider,
    "actions": _actions,
    "input": _input,
}


def _element(element: Payload, path: str) -> Problems:
    yield from _id(element, "action_id", path, required=True)
    kind = element.get("type")
    if kind == "button":
        yield from _plain(element.get("text"), f"{path}.text", 75)
        if len(str(element.get("value", ""))) > 2000:
            yield f"{path}.value: more than 2000 characters"
        if element.get("style") not in _STYLES:
            yield f"{path}.style: {element.get('style')!r}"
    elif kind == "overflow":
        yield from _options(element, path, most=5)
    elif kind == "static_select":
        yield from _options(element, path, most=100)
        if "placeholder" in element:
            yield from _plain(element["placeholder"], f"{path}.placeholder", 150)
    elif kind == "radio_buttons":
        yield from _options(element, path, most=10)
    elif kind == "plain_text_input":
        yield from _text_input(element, path)
    elif kind != "datepicker":
        yield f"{path}: {kind!r} is no element we draw"


def _text_input(element: Payload, path: str) -> Problems:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if not (0 <= least <= 3000 and 1 <= most <= 3000 and least <= most):
        yield f"{path}: lengths {least} to {most}"
    initial = element.get("initial_value")
    if initial is not None and not least <= _length(initial) <= most:
        yield f"{path}.initial_value: {_length(initial)} characters; {least} to {most}"


def _options(element: Payload, path: str, *, most: int) -> Problems:
    found = element.get("options", [])
    if not 1 <= len(found) <= most:
        yield f"{path}.options: {len(found)}; 1 to {most}"
    values = [option.get("value") for option in found]
    if len(set(values)) != len(values):
        yield f"{path}.options: a value is used twice"
    for index, option in enumerate(found):
        yield from _plain(option.get("text"), f"{path}.options[{index}].text", 75)
        if not 1 <= len(str(option.get("value", ""))) <= 150:
            yield f"{path}.options[{index}].value: 1 to 150 characters"
    initial = element.get("initial_option")
    if initial is not None and initial not in found:
        yield f"{path}.initial_option: is none of the options"


def _text(text: Any, path: str, limit: int) -> Problems:
    if not isinstance(text, Mapping) or text.get("type") not in {"plain_text", "mrkdwn"}:
        yield f"{path}: is no text object"
        return
    if text["type"] == "mrkdwn":
        yield from _only(text, path, "text", "verbatim")
    else:
        yield from _only(text, path, "text", "emoji")
    value = text.get("text")
    if not isinstance(value, str) or not 1 <= _length(value) <= limit or not value.strip():
        yield f"{path}: {_length(str(value))} characters; 1 to {limit}"


def _plain(text: Any, path: str, limit: int) -> Problems:
    yield from _text(text, path, limit)
    if isinstance(text, Mapping) and text.get("type") != "plain_text":
        yield f"{path}: has to be plain_text"


def _id(holder: Payload, name: str, path: str, *, required: bool) -> Problems:
    value = holder.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        yield f"{path}.{name}: 1 to 255 characters"


def _only(holder: Payload, path: str, *known: str) -> Problems:
    for name in sorted(set(holder) - {"type", *known}):
        yield f"{path}.{name}: is not known here"


def _length(text: str) -> int:
    # As JavaScript counts: a character beyond the first plane is two.
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
