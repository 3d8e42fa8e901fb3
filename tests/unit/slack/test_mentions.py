"""Those who may decide are mentioned, and nobody else: a message that mentions nobody notifies nobody."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bot.slack.permalinks import Permalinks
from bot.slack.render import notices
from bot.slack.render.block_kit import action_ids
from bot.slack.render.card import card
from bot.slack.render.parts.mentions import asked
from bot.wording.view import View
from escalation import notice
from escalation.authority import Account, Authority, Directory, Notify, Person, Team, Terms
from escalation.grant import GrantState
from escalation.ids import PersonId, RequestId
from escalation.ladder import Rung
from escalation.ports import Card
from escalation.request import State, Verdict
from tests.harness.block_kit import elements, texts
from tests.harness.views import DIRECTORY, NADIA, NOON, SALMA, decision, grant, question, request, view

LINK = "https://andon.slack.example/archives/C01FINANCE/p1763812800000001"


def crowd(count: int, *, group: str | None = None, direct: Iterable[int] = ()) -> Directory:
    """Return a directory with one team of *count* people, and Nadia, who owns the agent, outside of it."""
    people = {
        PersonId(f"p{number:02}"): Person(
            id=PersonId(f"p{number:02}"),
            name=f"Person {number:02}",
            accounts=frozenset({Account("T01ANDON", f"U{number:02}"), Account("T09OTHER", f"U9{number}")}),
            notify=Notify.DIRECT if number in direct else Notify.MENTION,
        )
        for number in range(count)
    }
    team = Team(name="finance", members=frozenset(people), channel="C01FINANCE", user_group=group)
    return Directory(people={**people, NADIA: DIRECTORY.people[NADIA]}, teams={"finance": team})


def drawn(directory: Directory, *approved: str, owner: str = "nadia", quorum: int = 1) -> View:
    """Return a request to *directory*'s team, that *approved* approved."""
    made = tuple(decision(PersonId(who), Verdict.APPROVE) for who in approved)
    terms = Terms(approvers=("finance",), quorum=quorum)
    shown = request(owner=PersonId(owner), decisions=made, terms=terms)
    may = Authority(directory=directory, terms=(terms,), owners=frozenset({PersonId(owner)}))
    return view(shown, directory=directory, authority=may)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (drawn(crowd(1)), "<@U00>"),
        (drawn(crowd(3)), "<@U00>, <@U01> and <@U02>"),
        (drawn(crowd(6)), "<@U00>, <@U01>, <@U02>, <@U03>, <@U04> and 1 other"),
        (drawn(crowd(11)), "<@U00>, <@U01>, <@U02>, <@U03>, <@U04> and 6 others"),
        (drawn(crowd(3), owner="p01"), "<@U00> and <@U02>"),
        (drawn(crowd(3), "p00", quorum=2), "<@U01> and <@U02>"),
        (drawn(crowd(3, direct=[0])), "<@U01>, <@U02> and Person 00"),
        (drawn(crowd(30, group="S01")), "<!subteam^S01>"),
        (drawn(crowd(3, group="S01"), owner="p01"), "<@U00> and <@U02>"),
        (drawn(crowd(3, group="S01"), "p02", quorum=2), "<@U00> and <@U01>"),
        (drawn(crowd(0, group="S01")), ""),
    ],
)
def test_who_may_decide_now_is_mentioned(shown: View, words: str) -> None:
    """People by themselves or as their group, a handful of them; no owner, and nobody a second time."""
    assert asked(shown) == words
    lead = next(text for kind, text in texts(card(shown).blocks) if kind == "mrkdwn")
    assert (f"{words}: decide by" if words else "\nDecide by") in lead


def test_terms_of_today_narrow_who_is_mentioned() -> None:
    """Whoever left the team since it was asked is not called, and neither is a group that holds them."""
    directory = crowd(3, group="S01")
    may = replace(drawn(directory).authority, terms=(Terms(approvers=("finance",), quorum=1),) * 2)
    narrow = replace(may, terms=(may.terms[0], Terms(approvers=("p01",), quorum=1)))
    assert asked(replace(drawn(directory), authority=may)) == "<!subteam^S01>"
    assert asked(replace(drawn(directory), authority=narrow)) == "<@U01>"


def test_a_question_is_asked_by_name_too() -> None:
    """Who may answer is mentioned on a question's card; a settled card mentions nobody."""
    assert "<@U02KHALID> and <@U01SALMA>: answer by" in str(card(view(question("a", "b"))).blocks)
    assert "<@" not in str(card(view(request(state=State.CANCELLED, settled_at=NOON))).blocks)


def said(shown: notice.Notice, about: View) -> str:
    surroundings = notices.Surroundings(directory=about.directory, times=about.times, view=about)
    return "\n".join(text for _, text in texts(notices.message(shown, surroundings).blocks))


def test_the_reminder_mentions_those_who_are_still_asked() -> None:
    """Half-time calls who may decide by name, and says who did."""
    shown = drawn(crowd(3), "p01", quorum=2)
    told = said(notice.Nudged(), shown)
    assert told.startswith("<@U00> and <@U02>: half of the time is over. Approved by *Person 01*.")
    assert "Nobody may decide: half" in said(notice.Nudged(), drawn(crowd(0)))


@pytest.mark.parametrize("told", [notice.Asked(), notice.BackupCalled(backup="nadia")])
def test_what_one_person_is_told_is_true_when_it_is_sent(told: notice.Notice) -> None:
    """However long it waited in the outbox, it says who approved by then, or how it ended."""
    assert "Nobody has decided yet." in said(told, drawn(crowd(3)))
    half = said(told, drawn(crowd(3), "p01", quorum=2))
    assert "Approved by *Person 01*. *One more approval is needed.*" in half
    assert "Nobody" not in half
    looking = view(replace(request(), acknowledged_by=SALMA))
    assert "*Salma Al Harthi* is looking." in said(told, looking)
    over = view(request(state=State.REJECTED, settled_at=NOON, decisions=(decision(SALMA, Verdict.REJECT),)))
    assert "Rejected by *Salma Al Harthi*" in said(told, over)
    assert "Nobody" not in said(told, over)
    assert "reason:" not in said(told, over)


def test_the_notes_of_a_thread_are_overtaken_too() -> None:
    """A note that was held up while the request was decided says how it ended, and calls nobody."""
    over = view(request(state=State.ANSWERED, settled_at=NOON, decisions=(decision(SALMA, Verdict.ANSWER),)))
    for told, start in (
        (notice.Nudged(), "Answered by *Salma"),
        (notice.ApprovedByOne(by="khalid", missing=1), "*Khalid Al Balushi* approved. Answered by"),
        (notice.Acknowledged(by="khalid"), "*Khalid Al Balushi* was looking. Answered by"),
    ):
        assert said(told, over).startswith(start)
        assert "<@" not in said(told, over)
        assert said(told, over).endswith(".")


def test_an_approval_is_counted_when_it_is_told() -> None:
    """What the note was written with does not matter: two approved since, so one more is missing, not two."""
    shown = drawn(crowd(3), "p00", "p01", quorum=3)
    told = said(notice.ApprovedByOne(by="p00", missing=2), shown)
    assert "*Person 00* approved. *One more approval is needed.* <@U02> may give it." in told


def test_a_direct_message_leads_to_the_card_and_can_open_it() -> None:
    """It carries the card's address, the beginning of what is asked, and a button with an id."""
    shown = replace(view(), link=LINK)
    message = notices.message(
        notice.Asked(), notices.Surroundings(directory=DIRECTORY, times=shown.times, view=shown)
    )
    assert f"<{LINK}|See the card>" in message.text
    assert [e["action_id"] for e in elements(message.blocks)] == [action_ids.FULL]
    assert "amount 1250.00" in str(message.blocks)
    late = replace(shown, request=replace(shown.request, rung=Rung.NUDGED))
    assert "Half of the time is over." in said(notice.Asked(), late)
    assert "Half" not in said(notice.Asked(), shown)
    assert "waits for your answer" in said(notice.Asked(), view(question("a")))


def test_an_alarm_that_is_over_says_so() -> None:
    """Who is told late of an unknown effect reads what was found out, and has nothing to press."""
    known = view(grant=grant(state=GrantState.SUCCEEDED, resolved_by=SALMA))
    surroundings = notices.Surroundings(directory=DIRECTORY, times=known.times, view=known)
    message = notices.message(notice.EffectUnknown(grant="grt_1"), surroundings)
    assert "Salma Al Harthi found out that it succeeded" in str(message.blocks)
    assert list(elements(message.blocks)) == []


def test_a_timeout_with_one_approval_does_not_say_that_nobody_decided() -> None:
    """Two were needed, one came: card and alarm name the one."""
    shown = drawn(crowd(3), "p00", quorum=2)
    over = replace(shown, request=replace(shown.request, state=State.TIMED_OUT, settled_at=NOON))
    told = said(notice.Unanswered(state="timed_out", why=""), over)
    assert "Only *Person 00* approved in time." in told
    assert "Only *Person 00* approved in time" in str(card(over).blocks)


def test_an_address_is_made_of_what_slack_told_and_nothing_else() -> None:
    """A card's address is the workspace's own with channel and ts; what does not look so makes none."""
    place = Card(request=RequestId("req_1"), channel="C01FINANCE", ts="1763812800.000001")
    assert Permalinks("https://andon.slack.example/").of(place) == LINK
    for workspace in ("", "javascript:alert(1)//", "https://a/b|c/", "https://a"):
        assert Permalinks(workspace).of(place) is None
    known = Permalinks("https://andon.slack.example/")
    assert known.of(None) is None
    assert known.of(replace(place, channel="C1|x>")) is None
    assert known.of(replace(place, ts="1> <!here>")) is None
