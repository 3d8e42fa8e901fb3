"""What is asked again is the same request within its run, and another one outside of it."""

from datetime import timedelta

import pytest

from andon import Andon, AnswerTooOld, NotConfigured, Rejected, Unfit, sync
from andon.models import Asking
from andon.testing import Script
from tests.unit.sdk.ledger import POST, PROPOSED, RUN, Book, post

ORDERS = ["PO-77", "PO-78"]
SLA = timedelta(minutes=15)
TICK = timedelta.resolution


@pytest.fixture(autouse=True)
def _no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANDON_WORKFLOW", raising=False)


async def test_a_question_says_what_it_is_about_or_in_which_run() -> None:
    """Without either it is refused with what to write, and nobody is asked."""
    script = Script().answer("PO-77")
    with pytest.raises(NotConfigured, match=r'about="INV-204".*ANDON_WORKFLOW'):
        await Andon(offline=script).ask("Which order?", options=ORDERS)
    with pytest.raises(NotConfigured, match="about="), sync.Andon(offline=script) as plain:
        plain.ask("Which order?", options=ORDERS)
    assert not script.asked


@pytest.mark.parametrize("run", [None, RUN])
async def test_the_answer_about_one_thing_is_not_that_about_another(run: str | None) -> None:
    """The same words about another invoice are another question, and people read which one."""
    script = Script().answer("PO-77").answer("PO-78")
    for invoice, order in (("INV-204", "PO-77"), ("INV-317", "PO-78"), ("INV-204", "PO-77")):
        andon = Andon(offline=script, workflow=run)
        assert await andon.ask("Which order?", options=ORDERS, about=invoice) == order
    texts = [asked.payload["question"] for asked in script.asked]
    assert texts == ["INV-204: Which order?", "INV-317: Which order?"]


@pytest.mark.parametrize(
    ("question", "sent"),
    [
        ("Which order does INV-204 belong to?", "Which order does INV-204 belong to?"),
        ("INV-204?", "INV-204?"),
        ("Which order does INV-2041 belong to?", "INV-204: Which order does INV-2041 belong to?"),
    ],
)
async def test_people_read_once_what_it_is_about(question: str, sent: str) -> None:
    """A question that names its subject is sent as it is; part of another name does not count."""
    script = Script().answer("PO-77")
    await Andon(offline=script).ask(question, options=ORDERS, about="INV-204")
    assert [asked.payload["question"] for asked in script.asked] == [sent]


async def test_nothing_is_not_a_subject() -> None:
    """An empty about= is refused: every question would be about it."""
    for nothing in ("", " "):
        with pytest.raises(Unfit, match="INV-204"):
            await Andon(offline=Script()).ask("Which order?", options=ORDERS, about=nothing)


@pytest.mark.parametrize("run", [None, RUN])
@pytest.mark.parametrize("asking", [Asking(about="INV-204"), Asking(about="INV-204", key="order")])
async def test_an_answer_of_another_time_is_not_returned(run: str | None, asking: Asking) -> None:
    """From its SLA on (15 minutes here) an answer is an error that says so, whatever the key is made of."""
    script = Script().answer("PO-77")

    async def ask() -> str:
        return await Andon(offline=script, workflow=run).ask("Which order?", options=ORDERS, **asking)

    assert await ask() == "PO-77"
    script.passes(seconds=SLA.total_seconds())
    assert await ask() == "PO-77"
    script.passes(microseconds=1)
    with pytest.raises(AnswerTooOld, match=r"0:15:00.*good_for=") as caught:
        await ask()
    assert caught.value.request.answer == "PO-77"
    script.passes(days=40)
    with pytest.raises(AnswerTooOld):
        await ask()
    assert len(script.asked) == 1


async def test_how_long_an_answer_holds_may_be_said() -> None:
    """With good_for= an old answer is used knowingly, to the microsecond; another key asks anew."""
    script = Script().answer("PO-77").answer("PO-78")
    andon = Andon(offline=script, workflow=RUN)
    await andon.ask("Which order?", options=ORDERS)
    script.passes(days=40)
    for good_for in (timedelta(days=40), timedelta.max):
        assert await andon.ask("Which order?", options=ORDERS, good_for=good_for) == "PO-77"
    with pytest.raises(AnswerTooOld):
        await andon.ask("Which order?", options=ORDERS, good_for=timedelta(days=40) - TICK)
    assert await andon.ask("Which order?", options=ORDERS, key="again") == "PO-78"


async def test_a_no_stays_a_no() -> None:
    """A question that was rejected long ago raises as it did."""
    script = Script().reject(reason="not mine")
    andon = Andon(offline=script, workflow=RUN)
    for _ in range(2):
        with pytest.raises(Rejected, match="not mine"):
            await andon.ask("Which order?", options=ORDERS)
        script.passes(days=40)


async def test_an_action_belongs_to_a_run() -> None:
    """Without a workflow and a key nothing is proposed: it could be last month's."""
    script, book = Script().approve(POST), Book()
    andon = Andon(offline=script)
    with pytest.raises(NotConfigured, match=r"ledger\.post.*ANDON_WORKFLOW.*key="):
        await post(book.gated(andon))
    with pytest.raises(NotConfigured, match=r"ledger\.post"):
        await andon.propose(POST, PROPOSED, summary="Post it")
    assert not script.asked
    assert await post(book.gated(andon).asking(key="fee-2026-10")) == "entry 1"
    assert script.asked[0].key == "fee-2026-10"


@pytest.mark.parametrize("key", [None, "fee-2"])
async def test_next_month_the_same_call_is_another_action(key: str | None) -> None:
    """The same arguments, and the same key= in the code, run again in another run, and once in each."""
    script, book = Script().approve(POST).approve(POST), Book()
    for month in ("close-2026-10", "close-2026-11"):
        for _ in range(2):
            gated = book.gated(Andon(offline=script, workflow=month)).asking(key=key)
            assert await post(gated) == f"entry {len(book.entries)}"
    assert len(book.entries) == len(script.asked) == 2


@pytest.mark.parametrize("key", ["", "k" * 187, "no spaces", "é"])
async def test_a_key_fits_beside_its_run(key: str) -> None:
    """What the workflow leaves of 200 characters is the key's, and the error says how much that is."""
    andon = Andon(offline=Script().approve(POST), workflow=RUN)
    assert (await andon.propose(POST, PROPOSED, summary="s", key="k" * 186)).state == "approved"
    with pytest.raises(Unfit, match="1 to 186 visible"):
        await andon.propose(POST, PROPOSED, summary="s", key=key)
