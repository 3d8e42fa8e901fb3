"""What a browser sends for a click or a filled form, taken from the blocks that the bot sent."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Filled = str | Sequence[str]


def chosen_action(blocks: Sequence[Json], action_id: str, value: str | None) -> Json:
    """Return the action that a browser sends for the element *action_id* of *blocks*."""
    offered = []
    for index, block in enumerate(blocks):
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            offered.append(element.get("action_id"))
            if element.get("action_id") == action_id and (action := _taken(element, value)):
                return action | {"action_id": action_id, "block_id": block.get("block_id", f"b{index}")}
    raise LookupError(f"there is no {action_id!r} with value {value!r}, only {offered}")


def _taken(element: Json, value: str | None) -> Json | None:
    if element["type"] != "button":
        option = next((each for each in element.get("options", ()) if each["value"] == value), None)
        return option and {"type": element["type"], "selected_option": option}
    if value is not None and element.get("value") != value:
        return None
    return {"type": "button", "value": element.get("value"), "text": element["text"]}


def form_values(blocks: Sequence[Json], filled: Mapping[str, Filled]) -> Json:
    """Return the `state.values` of a form's *blocks* with *filled* typed in."""
    inputs = {block["block_id"]: block["element"] for block in blocks if block["type"] == "input"}
    if unknown := filled.keys() - inputs.keys():
        raise LookupError(f"the form has no {sorted(unknown)}, only {sorted(inputs)}")
    return {
        block_id: {element["action_id"]: _value(element, filled.get(block_id))}
        for block_id, element in inputs.items()
    }


def _value(element: Json, filled: Filled | None) -> Json:
    kind = element["type"]
    match kind:
        case "static_select" | "radio_buttons":
            choice = element.get("initial_option") if filled is None else _option(element, str(filled))
            return {"type": kind, "selected_option": choice}
        case "checkboxes":
            initial = element.get("initial_options", [])
            picked = initial if filled is None else [_option(element, each) for each in filled]
            return {"type": kind, "selected_options": picked}
        case "datepicker":
            return {"type": kind, "selected_date": element.get("initial_date") if filled is None else filled}
        case _:
            return {"type": kind, "value": element.get("initial_value") if filled is None else filled}


def _option(element: Json, value: str) -> Json:
    offered: dict[str, Json] = {option["value"]: option for option in element["options"]}
    if value not in offered:
        raise LookupError(f"there is no option {value!r}, only {sorted(offered)}")
    return offered[value]
