"""Two other people's ideas of Block Kit's limits: slack_sdk's models and slackblocks."""

from collections.abc import Mapping, Sequence
from typing import Any

import slackblocks as sb
from slack_sdk.models.blocks import Block as SdkBlock
from slack_sdk.models.views import View as SdkView

Payload = Mapping[str, Any]


def accept_blocks(blocks: Sequence[Payload]) -> None:
    """Raise unless both oracles take *blocks* and would send what we drew."""
    for block in blocks:
        parsed = SdkBlock.parse(dict(block))
        if parsed is None or parsed.to_dict()["type"] != block["type"]:
            raise AssertionError(f"slack_sdk does not know {block['type']!r}")
        _block(block)._resolve()


def accept_view(view: Payload) -> None:
    """Raise unless both oracles take *view*."""
    SdkView(**dict(view)).to_dict()
    blocks = [_block(block) for block in view["blocks"]]
    if view["type"] == "home":
        sb.HomeTabView(blocks=blocks)
        return
    sb.ModalView(
        title=_text(view["title"]),
        blocks=blocks,
        close=_text(view["close"]),
        private_metadata=view["private_metadata"] or None,
        callback_id=view["callback_id"],
        submit=_text(view["submit"]) if "submit" in view else None,
    )


def accept_message(text: str, blocks: Sequence[Payload]) -> None:
    """Raise unless both oracles take the message."""
    accept_blocks(blocks)
    sb.Message(channel="C1", text=text, blocks=[_block(block) for block in blocks])


def _block(block: Payload) -> sb.Block:
    match block["type"]:
        case "section":
            text = _text(block["text"]) if "text" in block else None
            fields: Any = [_text(field) for field in block["fields"]] if "fields" in block else None
            return sb.SectionBlock(text=text, fields=fields)
        case "header":
            return sb.HeaderBlock(_text(block["text"]))
        case "context":
            return sb.ContextBlock([_text(element) for element in block["elements"]])
        case "divider":
            return sb.DividerBlock()
        case "actions":
            return sb.ActionsBlock([_element(element) for element in block["elements"]])
        case "input":
            element, label = _element(block["element"]), _text(block["label"])
            return sb.InputBlock(
                label=label, element=element, block_id=block["block_id"], optional=block["optional"]
            )
        case other:
            raise AssertionError(f"slackblocks is not asked about {other!r}")


def _element(element: Payload) -> Any:
    id_ = element["action_id"]
    match element["type"]:
        case "button":
            style = element.get("style")
            return sb.Button(_text(element["text"]), action_id=id_, value=element["value"], style=style)
        case "overflow":
            return sb.OverflowMenu(action_id=id_, options=_options(element))
        case "static_select":
            return sb.StaticSelectMenu(
                action_id=id_, options=_options(element), placeholder=_text(element["placeholder"])
            )
        case "radio_buttons":
            return sb.RadioButtonGroup(action_id=id_, options=_options(element))
        case "datepicker":
            return sb.DatePicker(action_id=id_, initial_date=element.get("initial_date"))
        case "plain_text_input":
            return sb.PlainTextInput(
                action_id=id_,
                initial_value=element.get("initial_value"),
                multiline=element.get("multiline", False),
                min_length=element.get("min_length"),
                max_length=element.get("max_length"),
            )
        case other:
            raise AssertionError(f"slackblocks is not asked about {other!r}")


def _options(element: Payload) -> list[sb.Option]:
    return [sb.Option(text=_text(option["text"]), value=option["value"]) for option in element["options"]]


def _text(text: Payload) -> sb.Text:
    if text["type"] == "plain_text":
        return sb.Text(text["text"], type_=sb.TextType.PLAINTEXT, emoji=text["emoji"])
    return sb.Text(text["text"], type_=sb.TextType.MARKDOWN, verbatim=text["verbatim"])
