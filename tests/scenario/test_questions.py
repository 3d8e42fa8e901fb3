"""Agents ask what they do not know; people answer by button, list or words."""

import pytest

from tests.scenario.world import World


async def test_a_button_answers(any_room: World) -> None:
    """One click on an option answers, and the agent reads exactly that option."""
    room = any_room
    asked = await room.agent.wonders("Whose receipt is this?", "Al Wadi", "Gulf Haulage")
    assert (asked["kind"], asked["action"]) == ("question", None)
    await room.khalid.clicks("Gulf Haulage", on=await room.card(asked))
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["answer"]) == ("answered", "Gulf Haulage")
    assert (settled["decided_by"], settled["grant"]) == (["khalid"], None)
    assert settled["what_to_do_next"] == "Go on with the answer."
    assert (await room.card(asked)).says("Gulf Haulage")


async def test_a_list_answers(room: World) -> None:
    """More than a few options are a list, and an option of it answers."""
    options = [f"Supplier {number}" for number in range(7)]
    asked = await room.agent.wonders("Whose?", *options)
    await room.salma.clicks("Supplier 5", on=await room.card(asked))
    assert (await room.agent.sees(asked))["answer"] == "Supplier 5"


async def test_words_answer(room: World) -> None:
    """Where words are taken, a person may say what no option says."""
    asked = await room.agent.wonders("Whose?", "Al Wadi", allow_text=True)
    await room.salma.clicks("Answer in words", on=await room.card(asked))
    await room.salma.sees_modal("Or in your own words")
    await room.salma.fills("Or in your own words", "Nobody's: ask the bank.").submits()
    assert (await room.agent.sees(asked))["answer"] == "Nobody's: ask the bank."


async def test_the_form_takes_an_option_too(room: World) -> None:
    """In the form, an option may be chosen instead of words; both at once are one too many."""
    asked = await room.agent.wonders("Whose?", "Al Wadi", "Barka", allow_text=True)
    salma = room.salma
    await salma.clicks("Answer in words", on=await room.card(asked))
    await salma.sees_modal("Your answer")
    both = await salma.fills("Your answer", "Barka").fills("Or in your own words", "or not").submits()
    assert "not both" in str(both.json["errors"])
    assert await room.agent.state_of(asked) == "pending"
    await salma.fills("Or in your own words", None).submits()
    assert (await room.agent.sees(asked))["answer"] == "Barka"


async def test_no_answer_is_no_answer(room: World) -> None:
    """Neither an option nor a word: the form says what is missing and stays."""
    asked = await room.agent.wonders("Whose?", "Al Wadi", allow_text=True)
    await room.salma.clicks("Answer in words", on=await room.card(asked))
    await room.salma.sees_modal("Your answer")
    answer = await room.salma.submits()
    assert "Choose or write an answer" in str(answer.json["errors"])
    assert await room.agent.state_of(asked) == "pending"


@pytest.mark.parametrize("index", ["2", "-1", "x", "", "999", "٣"])
async def test_only_an_option_is_an_option(room: World, index: str) -> None:
    """A forged button that names no option of the question answers nothing."""
    asked = await room.agent.wonders("Whose?", "Al Wadi", "Barka")
    forged = {"type": "button", "action_id": "request:answer:0", "value": f"{asked['id']}|{index}"}
    await room.salma.forges(forged, on=await room.card(asked))
    await room.salma.sees("This is none of the options", in_="#finance")
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:salma", "not_an_option")]


async def test_a_question_is_not_approved_and_a_proposal_not_answered(room: World) -> None:
    """Buttons of the other kind are refused: each asks for its own."""
    wondered = await room.agent.wonders("Whose?", "Al Wadi")
    asked = await room.agent.asks()
    card = await room.card(wondered)
    await room.salma.forges(
        {"type": "button", "action_id": "request:approve", "value": wondered["id"]}, on=card
    )
    await room.salma.sees("This is a question; answer it instead", in_="#finance")
    await room.salma.forges(
        {"type": "button", "action_id": "request:answer:0", "value": f"{asked['id']}|0"}, on=card
    )
    await room.salma.sees("This is a proposal; approve or reject it", in_="#finance")
    assert [await room.agent.state_of(one) for one in (wondered, asked)] == ["pending", "pending"]


async def test_words_for_a_question_without_words_are_refused(room: World) -> None:
    """A forged form cannot answer in words what takes options only."""
    open_one = await room.agent.wonders("Anything?", allow_text=True)
    asked = await room.agent.wonders("Whose?", "Al Wadi")
    await room.salma.clicks("Answer in words", on=await room.card(open_one))
    await room.salma.sees_modal("Your answer")
    room.slack.modals[room.salma.user][-1]["private_metadata"] = asked["id"]
    answer = await room.salma.fills("Your answer", "Mine").submits()
    assert "none of the options" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"


async def test_a_form_about_a_proposal_answers_nothing(room: World) -> None:
    """A form whose hidden id is that of a proposal, or of nothing, closes with an explanation."""
    asked = await room.agent.wonders("Anything?", allow_text=True)
    proposed = await room.agent.asks()
    await room.salma.clicks("Answer in words", on=await room.card(asked))
    shown = await room.salma.sees_modal("Your answer")
    for id_ in (proposed["id"], "req_none"):
        room.slack.modals[room.khalid.user] = [{**shown, "private_metadata": id_}]
        answer = await room.khalid.fills("Your answer", "Mine").submits()
        assert answer.json["view"]["title"]["text"] == "Nothing changed"
    assert await room.agent.state_of(proposed) == "pending"
    assert [reason for _, reason in await room.refusals()] == ["not_a_question", "unknown_request"]


async def test_a_question_times_out_without_an_answer(room: World) -> None:
    """Nobody answers: the safe default is no answer."""
    asked = await room.agent.wonders("Whose?", "Al Wadi")
    await room.card(asked)
    await room.passes(minutes=15)
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["answer"]) == ("timed_out", None)


async def test_a_question_too_long_for_a_card_is_opened_in_full(room: World) -> None:
    """A hundred long options do not fit: the card says so and the form takes the answer."""
    options = [f"{number:03d} {'😀' * 65}" for number in range(100)]
    asked = await room.agent.wonders("Which one?", *options)
    card = await room.card(asked)
    assert card.says("The question does not fit here")
    await room.salma.clicks("Open in full", on=card)
    modal = await room.salma.sees_modal("Your answer")
    (select,) = [b["element"] for b in modal["blocks"] if b["type"] == "input"]
    await room.salma.fills("Your answer", select["options"][57]["text"]["text"]).submits()
    assert (await room.agent.sees(asked))["answer"] == options[57]


async def test_an_edit_of_a_question_is_refused(room: World) -> None:
    """There are no arguments to edit: a forged Edit on a question opens no form that could be saved."""
    asked = await room.agent.wonders("Whose?", "Al Wadi")
    forged = {"type": "button", "action_id": "request:edit", "value": asked["id"]}
    await room.salma.forges(forged, on=await room.card(asked))
    shown = await room.salma.sees_modal("Cannot be edited")
    assert "submit" not in shown
