"""People at work: a real browser, a local Slack, the real bot, and an agent that waits for their word."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from andon import Andon, Evidence, Killed, Rejected, Stopped
from bot.config import SlackMode
from deploy.demo.channels import ALERTS, DIRECTORS, FINANCE, GENERAL
from deploy.demo.people import KHALID, MARYAM, NADIA, OMAR, SALMA, YUSUF
from deploy.demo.stack import AGENT
from tests.e2e.bookkeeper import Bookkeeper, Posting, meanwhile, posting
from tests.e2e.house import house
from tests.e2e.pictures import picture
from tests.harness.browser import Desk, desk
from tests.harness.local_slack import needs_local_slack

pytestmark = [needs_local_slack(), pytest.mark.asyncio(loop_scope="module")]


async def test_a_card_says_what_would_happen(window: Desk, agent: Bookkeeper) -> None:
    """Who decides sees every value, the deadline, what silence means, who may decide, the agent's words."""
    words = {
        "reasoning": "The ledger has no entry for it, and the reference names the courier.",
        "confidence": 0.82,
        "evidence": [Evidence(title="Bank statement, line 31")],
    }
    asks = agent.post(posting(), summary="Post the courier's invoice that the bank paid", **words)
    async with meanwhile(asks):
        card = await window.sees("CB-26100031")
        for value in filter(None, posting().values()):
            await card.says(value)
        for fact in ("nothing is done", SALMA.real_name, KHALID.real_name, NADIA.real_name, "Asia/Muscat"):
            await card.says(fact)
        said = await card.text()
        assert said.index("its own words") < min(said.index("names the courier"), said.index("82% sure"))
        assert await card.buttons() == ["Approve", "Edit", "Reject"]
        await picture(window, "card", card=card)


async def test_approve(window: Desk, agent: Bookkeeper) -> None:
    """One click lets the agent do once what the card said, and the card tells how it went."""
    wanted = posting(statement_ref="CB-26100032")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100032")
        await card.click("Approve")
        assert await done == "posting 1"
    assert agent.posted == [wanted]
    await card.says("Approved")
    await card.says("Done")
    await card.says(SALMA.real_name)
    assert await card.buttons() == []
    await picture(window, "settled", card=card)


async def test_edit(window: Desk, agent: Bookkeeper) -> None:
    """Who edits is told what does not fit; then the agent does what the person wrote, not what it asked."""
    wanted = posting(statement_ref="CB-26100033")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100033")
        await card.click("Edit")
        await window.modal.opens("Edit")
        assert await window.modal.value("amount") == "105.000"
        await window.modal.fill(_chosen(wanted))
        await picture(window, "edit")
        await window.modal.fill({"amount": "0"})
        await window.modal.submit()
        await window.modal.complains("amount")
        await window.modal.fill({"amount": "100.000", "memo": "Courier, less the rebate"})
        await window.modal.submit()
        await window.modal.closes()
        await done
    assert agent.posted == [wanted | {"amount": "100.000", "memo": "Courier, less the rebate"}]
    edited = await window.sees("CB-26100033")
    await edited.says("Approved with edits")
    await edited.says("before: 105.000")
    assert await edited.buttons() == []


async def test_edit_that_others_decide(window: Desk, agent: Bookkeeper) -> None:
    """Before an edit goes to others the form says to whom and by when; then they see what was written."""
    wanted = posting(statement_ref="CB-26100043")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100043")
        await card.click("Edit")
        await window.modal.opens("Edit")
        await window.modal.fill({**_chosen(wanted), "amount": "6150.000"})
        await window.modal.submit()
        await window.modal.opens("Others decide this")
        said = await window.modal.text()
        assert "2 other people have to approve" in said
        assert f"{MARYAM.real_name}, {YUSUF.real_name}. Your own approval does not count." in said
        assert await window.modal.value("amount") == "6150.000"
        await window.modal.fill(_chosen(wanted))
        await window.modal.submit()
        await window.modal.closes()
        await window.act_as(MARYAM)
        await window.open(DIRECTORS)
        await (await window.sees("CB-26100043")).click("Reject")
        await window.modal.opens("Reject")
        await window.modal.fill({"Why? The agent reads this and does better.": "Ten times too much"})
        await window.modal.submit()
        await window.modal.closes()
        with pytest.raises(Rejected, match="Ten times too much"):
            await done
    await window.act_as(SALMA)
    await window.open(FINANCE)


def _chosen(wanted: Posting) -> Posting:
    """Return the choices of the form as they are: Slack shows them, its local stand-in does not."""
    return {name: wanted[name] for name in ("currency", "account", "side", "against", "kind")}


async def test_reject(window: Desk, agent: Bookkeeper) -> None:
    """A rejection needs a reason, and the agent reads it."""
    wanted = posting(statement_ref="CB-26100034")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100034")
        await card.click("Reject")
        await window.modal.opens("Reject")
        await window.modal.submit()
        await window.modal.complains("A rejection needs a reason")
        await window.modal.fill({"Why? The agent reads this and does better.": "Bill it to the branch"})
        await window.modal.submit()
        await window.modal.closes()
        with pytest.raises(Rejected, match="Bill it to the branch"):
            await done
    await card.says("Rejected")
    await card.says("Bill it to the branch")
    assert (await card.buttons(), agent.posted) == ([], [])


async def test_answer(window: Desk, agent: Bookkeeper) -> None:
    """A question is answered with one click, and the agent goes on with the answer."""
    question = "Which invoice does the transfer of 1250.000 from Qurum Hospitality pay?"
    asks = agent.andon.ask(
        question,
        options=["INV-204", "INV-207"],
        allow_text=True,
        tried="Amount and name fit both",
        confidence=0.41,
    )
    async with meanwhile(asks) as answer:
        card = await window.sees("Qurum Hospitality")
        assert await card.buttons() == ["INV-204", "INV-207", "Answer in words"]
        await picture(window, "question", card=card)
        await card.click("INV-207")
        assert await answer == "INV-207"
    await card.says("Answered by Salma")
    assert await card.buttons() == []


async def test_answer_in_words(window: Desk, agent: Bookkeeper) -> None:
    """A question that allows it takes an answer nobody had thought of."""
    asks = agent.andon.ask("Which tenant is “Flat 12 B”?", options=["Zubair", "Rashid"], allow_text=True)
    async with meanwhile(asks) as answer:
        card = await window.sees("Flat 12 B")
        await card.click("Answer in words")
        await window.modal.opens("Answer")
        await window.modal.fill({"Or in your own words": "Neither: it was sublet to Harub"})
        await window.modal.submit()
        assert await answer == "Neither: it was sublet to Harub"


async def test_who_may_not_decide(window: Desk, agent: Bookkeeper) -> None:
    """A stranger, a director and the owner each click Approve; each is told why not, and nothing changes."""
    wanted = posting(statement_ref="CB-26100037")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100037")
        for person, why in (
            (OMAR, "belongs to nobody"),
            (MARYAM, "not an approver"),
            (NADIA, "You own this agent"),
        ):
            await window.act_as(person)
            await card.click("Approve")
            refusal = await window.sees(why)
            await refusal.says("only visible to you")
        assert not done.done()
        await window.act_as(KHALID)
        await card.click("Approve")
        await done
    await card.says(KHALID.real_name)


async def test_two_directors(window: Desk, agent: Bookkeeper) -> None:
    """Where two have to agree, one person's two clicks are not two people."""
    wanted = posting(amount="7200.000", account="Expenses:Rent", memo="Rent, Q4", statement_ref="CB-26100038")
    await window.act_as(MARYAM)
    await window.open(DIRECTORS)
    async with meanwhile(agent.post(wanted, summary="Post the rent of the fourth quarter")) as done:
        card = await window.sees("CB-26100038")
        await card.click("Approve")
        await card.says("One more approval is needed")
        await card.click("Approve")
        await window.sees("a second approver is needed")
        assert not done.done()
        await window.act_as(YUSUF)
        await card.click("Approve")
        await done
    for director in (MARYAM, YUSUF):
        await card.says(director.real_name)
    await card.says("Done")
    thread = await window.open_thread(card)
    await thread.sees("Maryam Al Lawati approved")
    await thread.sees("Approved by Yusuf Al Riyami")
    await picture(window, "thread", card=card, width=1280)


async def test_looking_closer(window: Desk, agent: Bookkeeper) -> None:
    """The card's menu tells why it asked, what to do in trouble, every argument, and who is looking."""
    wanted = posting(statement_ref="CB-26100039")
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100039")
        for entry, title, says in (
            ("Why did this need me?", "Why did this need me?", "manager"),
            ("Runbook", AGENT, "First five minutes"),
            ("Full arguments", "Approve?", "Post 105.000 OMR to the ledger"),
        ):
            await card.choose(entry)
            await window.modal.opens(title)
            assert says in await window.modal.text()
            await window.modal.close()
            await window.modal.closes()
        await card.choose("I am looking")
        await card.says("Salma Al Harthi is looking")
        assert not done.done()


async def test_stop_and_resume(window: Desk, agent: Bookkeeper) -> None:
    """A stop says first what it will do, ends what waits and refuses what comes; another operator resumes."""
    wanted = posting(statement_ref="CB-26100040")
    await window.act_as(NADIA)
    async with meanwhile(agent.post(wanted, summary="Post the courier's invoice")) as done:
        card = await window.sees("CB-26100040")
        await window.say(f"/andon stop agent:{AGENT}")
        await window.modal.opens("Stop")
        assert not done.done()
        await picture(window, "stop", height=520)
        await window.modal.fill({"Why? Whoever resumes it reads this.": "It posts to the wrong month"})
        await window.modal.submit()
        await window.modal.closes()
        with pytest.raises(Killed, match="wrong month"):
            await done
    await card.says("Stopped")
    assert await card.buttons() == []
    with pytest.raises(Stopped):
        await agent.post(posting(statement_ref="CB-26100041"), summary="Post another")

    await window.open(GENERAL)
    await window.say(f"/andon resume agent:{AGENT}")
    await window.sees("a different operator has to resume it")
    assert not (await agent.andon.heartbeat()).may_proceed
    await window.act_as(KHALID)
    await window.say(f"/andon resume agent:{AGENT}")
    await window.sees("Resumed")
    assert (await agent.andon.heartbeat()).may_proceed
    await window.open(ALERTS)
    await window.sees("It posts to the wrong month")
    await window.sees("which Nadia Al Kindi had stopped")
    assert agent.posted == []


async def test_stop_with_a_reason(window: Desk, agent: Bookkeeper) -> None:
    """Who gives the reason at once stops at once; the Home tab shows it, and another person resumes there."""
    await window.act_as(KHALID)
    await window.say(f"/andon stop agent:{AGENT} figures look odd")
    await window.sees("Nothing new starts")
    assert not (await agent.andon.heartbeat()).may_proceed
    await window.act_as(NADIA)
    home = await window.open_home()
    await home.says("figures look odd")
    await home.click("Resume")
    await window.open(ALERTS)
    await window.sees("which Khalid Al Balushi had stopped")
    assert (await agent.andon.heartbeat()).may_proceed


async def test_home(window: Desk, agent: Bookkeeper) -> None:
    """The Home tab holds what waits for me and lets me decide it there; others do not find it in theirs."""
    wanted = posting(amount="87.500", statement_ref="CB-26100042")
    async with meanwhile(agent.post(wanted, summary="Post the water bill")) as done:
        await window.sees("CB-26100042")
        await window.act_as(YUSUF)
        home = await window.open_home()
        await home.lacks("87.500")
        await window.open(FINANCE)
        await window.act_as(SALMA)
        home = await window.open_home()
        await home.says("87.500")
        await home.says(AGENT)
        await picture(window, "home")
        await home.click("Open to decide")
        await window.modal.opens("Approve?")
        assert "CB-26100042" in await window.modal.text()
        await window.modal.submit()
        await window.modal.closes()
        await done
    assert agent.posted == [wanted]
    await window.open(FINANCE)
    home = await window.open_home()
    await home.lacks("Open to decide")


async def test_socket_mode(browser: Browser, tmp_path: Path) -> None:
    """Without a public URL the same clicks, forms and commands arrive over a connection of the bot's."""
    async with (
        house(tmp_path, mode=SlackMode.SOCKET) as on,
        Andon(url=on.url, key=on.key, workflow="socket-mode") as andon,
        desk(browser, on.slack.url, person=SALMA) as window,
    ):
        agent = Bookkeeper(andon=andon)
        await window.open(FINANCE)
        async with meanwhile(agent.post(posting(), summary="Post the courier's invoice")) as done:
            await (await window.sees("CB-26100031")).click("Approve")
            assert await done == "posting 1"
        async with meanwhile(agent.post(posting(amount="106.000"), summary="Post it again")) as done:
            await (await window.sees("106.000")).click("Reject")
            await window.modal.fill({"Why? The agent reads this and does better.": "It is posted already"})
            await window.modal.submit()
            with pytest.raises(Rejected, match="posted already"):
                await done
        await window.say("/andon status")
        await window.sees("is running")
        assert agent.posted == [posting()]
