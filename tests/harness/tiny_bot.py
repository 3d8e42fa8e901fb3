"""A bot with one of everything, to try the local Slack with: a card, a menu, a form, a command, a Home."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from deploy.demo.channels import FINANCE
from deploy.demo.interactions import Json
from deploy.demo.slack_app import BOT_TOKEN, SIGNING_SECRET
from deploy.demo.workspace import Workspace


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str, text: str) -> Json:
    return {"text": plain(text), "value": value}


def asks(block_id: str, label: str, **element: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {"action_id": "value"} | element,
    }


CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Post the bank fee*"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": "approve", "text": plain("Approve"), "value": "req_1"},
            {"type": "button", "action_id": "edit", "text": plain("Edit"), "value": "req_1"},
            {
                "type": "overflow",
                "action_id": "more",
                "options": [option("why", "Why me?"), option("ack", "I look")],
            },
        ],
    },
]

FORM: Json = {
    "type": "modal",
    "callback_id": "edit",
    "title": plain("Edit"),
    "submit": plain("Ask again"),
    "blocks": [
        asks("Amount", "Amount", type="plain_text_input", initial_value="12.500"),
        asks("Memo", "Memo", type="plain_text_input", initial_value="Bank fee"),
        asks("Day", "Day", type="datepicker", initial_date="2026-10-31"),
        asks(
            "Account",
            "Account",
            type="static_select",
            options=[option("6100", "Bank charges"), option("1", "Cash")],
        ),
        asks(
            "Urgency",
            "Urgency",
            type="radio_buttons",
            options=[option("now", "Now"), option("later", "Later")],
        ),
        asks("Tell", "Tell", type="checkboxes", options=[option("a", "The agent"), option("o", "The owner")]),
    ],
}


def tiny_bot(slack: Workspace) -> AsyncApp:
    """Return an app with one of everything: a card's buttons and menu, a form, a command, a Home."""
    # The client carries the token; Bolt would call a second one unused.
    app = AsyncApp(
        client=AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url), signing_secret=SIGNING_SECRET
    )

    @app.action("approve")
    async def approve(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        text = f"Approved by {body['user']['name']} of {body['user']['team_id']}"
        if "message" in body:
            message = body["message"]
            await client.chat_update(channel=message["channel"], ts=message["ts"], text=text, blocks=[])
        else:
            await client.chat_postMessage(channel=FINANCE.id, text=text)

    @app.action("edit")
    async def edit(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.action("more")
    async def more(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        message, chosen = body["message"], body["actions"][0]["selected_option"]["value"]
        await client.chat_postMessage(
            channel=message["channel"], thread_ts=message["ts"], text=f"You chose {chosen}"
        )

    @app.view("edit")
    async def edited(ack: AsyncAck, view: Json, client: AsyncWebClient) -> None:
        values = {block: field["value"] for block, field in view["state"]["values"].items()}
        if values["Amount"]["value"] == "0":
            await ack(response_action="errors", errors={"Amount": "Nothing to post"})
            return
        await ack()
        chosen = [values["Account"], values["Urgency"]]
        said = [values["Amount"]["value"], values["Memo"]["value"], values["Day"]["selected_date"]]
        said += [each["selected_option"]["value"] for each in chosen if each["selected_option"]]
        said += [each["value"] for each in values["Tell"]["selected_options"]]
        await client.chat_postMessage(channel=FINANCE.id, text="Edited: " + ", ".join(said))

    @app.command("/andon")
    async def andon(ack: AsyncAck, command: Json) -> None:
        await ack(f"{command['user_name']} asked for {command['text']}", response_type="ephemeral")

    @app.event("app_home_opened")
    async def home(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": CARD})

    @app.event("message")
    async def echo(event: Json, client: AsyncWebClient) -> None:
        if event["text"].startswith("echo "):
            await client.chat_postMessage(channel=event["channel"], text=event["text"].removeprefix("echo "))

    return app


async def post_card(slack: Workspace) -> Json:
    client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url)
    answer = await client.chat_postMessage(channel=FINANCE.id, text="Post the bank fee", blocks=CARD)
    message: Json = answer["message"]
    return message
