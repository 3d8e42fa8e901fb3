"""
What can happen in a history: each step knows how to do it to the service, and what that has to come to.

Steps name requests by labels of their own, so that a history can be shortened and pasted back as a test.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

from escalation.action import Json
from escalation.authority import Account
from escalation.grant import Beat as Alive
from escalation.grant import Claim as Act
from escalation.grant import Report as Told
from escalation.grant import Tell
from escalation.ids import AgentName, GrantId, RequestId
from escalation.reason import Refused
from escalation.request import Question, Words
from escalation.service import (
    acknowledge,
    ask_again,
    cancel,
    claim,
    decide,
    edit,
    propose,
    renew,
    report,
    resolve,
    stop,
)
from escalation.service.context import Click, Core
from escalation.service.decide import Approve, Choice, Pick, Reject, Write
from escalation.service.propose import Proposal, Propose
from escalation.switch import scope as scope_of
from tests.machine.cases import OPTIONS, Case
from tests.machine.house import Death, House
from tests.machine.setups import ACCOUNTS, ACTION, AGENTS
from tests.machine.truth import AGAIN, OK, Truth

#: What people write.
_NO, _DRILL, _ANSWER = WORDS = ("no, that is not ours", "only a drill", "In my own words")
_CHOICES: dict[str, Choice] = {
    "approve": Approve(),
    "reject": Reject(_NO),
    "reject in silence": Reject("  "),
    "first": Pick(0),
    "second": Pick(1),
    "third": Pick(2),
    "words": Write(_ANSWER),
}
WRONG = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Step(ABC):
    """Something that happens, at one of the two processes."""

    core: int = 0
    death: Death | None = None  #: When that process dies of it.
    #: Whether it is the engine's: done again after a death, and with others at any time.
    by_itself: ClassVar[bool] = False
    by_a_person: ClassVar[bool] = False
    fenced: ClassVar[bool] = False  #: Whether it is done by the configuration in force alone.

    def __repr__(self) -> str:
        """Return it as Python, without what is as usual."""
        told = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.default != getattr(self, each.name)
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    @abstractmethod
    async def done(self, house: House) -> str:
        """Do it; return what it came to."""

    @abstractmethod
    def due(self, truth: Truth) -> str:
        """Note in *truth* what it has to come to, and return that."""

    def judged(self, truth: Truth) -> str:
        """Return what ``due`` does; a refusal of a person's click, once, has to be on the record."""
        fresh = self.by_a_person and getattr(self, "click", "") not in truth.clicks
        answer = self.due(truth)
        truth.refusals += fresh and answer != OK
        return answer

    def names(self) -> tuple[str, ...]:
        """Return the labels of requests that have to be there."""
        return ()

    def fits(self, truth: Truth) -> bool:
        """Return whether it can be tried."""
        return all(label in truth.cases for label in self.names())

    def service(self, house: House) -> Core:
        """Return the use cases of its process."""
        return house.lives[self.core].core


def _answer(outcome: object) -> str:
    if isinstance(outcome, Refused):
        return outcome.reason.value
    before = getattr(outcome, "repeated", False) or not getattr(outcome, "fresh", True)
    return AGAIN if before else OK


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask(Step):
    """An agent proposes to post *amount*, or asks where there is none."""

    fenced: ClassVar[bool] = True

    agent: str
    key: str
    amount: int | None = None
    sure: bool = False
    free_text: bool = False

    @property
    def label(self) -> str:
        """What the request is called from then on."""
        return self.key if self.agent == AGENTS[0] else f"{self.key}-{self.agent}"

    async def done(self, house: House) -> str:
        subject: Proposal | Question = Question(
            text="Which account?", options=OPTIONS, allow_text=self.free_text
        )
        if self.amount is not None:
            subject = Proposal(type=ACTION, arguments={"amount": self.amount, "memo": "x"})
        words = Words(summary=self.label, confidence=0.95 if self.sure else None)
        command = Propose(agent=AgentName(self.agent), key=self.key, subject=subject, words=words)
        return _answer(await propose.propose(self.service(house), command))

    def due(self, truth: Truth) -> str:
        case = Case(
            label=self.label,
            agent=self.agent,
            function="",
            owner="",
            amount=self.amount,
            free_text=self.free_text,
            sure=self.sure,
            team=None,
            quorum=1,
            edits="author_may_approve",
            setup=truth.setup,
            asked_at=truth.now,
            key=self.key,
        )
        return truth.does_ask(self.core, case)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _About(Step):
    request: str

    def names(self) -> tuple[str, ...]:
        return (self.request,)

    def id(self, house: House) -> RequestId:
        return RequestId(house.requests[self.request])

    def grant(self, house: House) -> GrantId:
        return GrantId(house.grants.get(self.request, "grt_none"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Clicked(_About):
    who: str
    click: str
    by_a_person: ClassVar[bool] = True
    fenced: ClassVar[bool] = True

    def signed(self) -> Click:
        return _click(self.who, self.click, type(self).__name__)


def _click(who: str, click: str, what: str) -> Click:
    return Click(account=Account("T01ANDON", ACCOUNTS[who]), fingerprint=click, what=what)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Decide(_Clicked):
    """A person clicks Approve, Reject or an answer."""

    choice: str

    async def done(self, house: House) -> str:
        outcome = await decide.decide(
            self.service(house), self.signed(), self.id(house), _CHOICES[self.choice]
        )
        return _answer(outcome)

    def due(self, truth: Truth) -> str:
        return truth.does_decide(
            self.core, self.request, account=self.who, click=self.click, choice=self.choice
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Edit(_Clicked):
    """A person changes the amount and approves what they wrote."""

    amount: int

    @property
    def label(self) -> str:
        """What the edited request is called."""
        return f"{self.request}+"

    async def done(self, house: House) -> str:
        arguments: dict[str, Json] = {"amount": self.amount, "memo": "x"}
        return _answer(await edit.edit(self.service(house), self.signed(), self.id(house), arguments))

    def due(self, truth: Truth) -> str:
        return truth.does_edit(
            self.core, self.request, self.label, account=self.who, click=self.click, amount=self.amount
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AskAgain(_Clicked):
    """A person has it asked once more."""

    @property
    def label(self) -> str:
        """What the repeated request is called."""
        return f"{self.request}+"

    async def done(self, house: House) -> str:
        return _answer(await ask_again.ask_again(self.service(house), self.signed(), self.id(house)))

    def due(self, truth: Truth) -> str:
        return truth.does_ask_again(self.core, self.request, self.label, account=self.who, click=self.click)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Acknowledge(_Clicked):
    """A person says that they are looking."""

    async def done(self, house: House) -> str:
        return _answer(await acknowledge.acknowledge(self.service(house), self.signed(), self.id(house)))

    def due(self, truth: Truth) -> str:
        return truth.does_acknowledge(self.core, self.request, account=self.who, click=self.click)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Resolve(_Clicked):
    """A person says what happened."""

    outcome: str

    async def done(self, house: House) -> str:
        told = Told(self.outcome)
        return _answer(await resolve.resolve(self.service(house), self.signed(), self.grant(house), told))

    def due(self, truth: Truth) -> str:
        answer = truth.does_resolve(
            self.core, self.request, account=self.who, click=self.click, outcome=self.outcome
        )
        return OK if answer == AGAIN else answer  # the grant is the answer, both times

    def fits(self, truth: Truth) -> bool:
        return self.request in truth.cases and truth.cases[self.request].permit is not None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cancel(_About):
    """An agent takes it back."""

    agent: str

    async def done(self, house: House) -> str:
        core = self.service(house)
        return _answer(await cancel.cancel(core, AgentName(self.agent), self.id(house), "not needed"))

    def due(self, truth: Truth) -> str:
        return truth.does_cancel(self.core, self.request, self.agent)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Claim(_About):
    """An agent is about to act."""

    fenced: ClassVar[bool] = True

    agent: str
    attempt: str
    right: bool = True  #: Whether on what was approved.

    async def done(self, house: House) -> str:
        digest = house.digests[self.request] if self.right else WRONG
        command = Act(agent=AgentName(self.agent), digest=digest, attempt=self.attempt)  # type: ignore[arg-type]  # as it arrives
        outcome = await claim.claim(self.service(house), self.grant(house), command)
        if isinstance(outcome, claim.Claimed):
            assert outcome.action.digest == digest, "what may run is not what was claimed"
        return _answer(outcome)

    def due(self, truth: Truth) -> str:
        return truth.does_claim(
            self.core, self.request, agent=self.agent, attempt=self.attempt, right=self.right
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Beat(_About):
    """An attempt is alive."""

    agent: str
    attempt: str

    async def done(self, house: House) -> str:
        command = Alive(agent=AgentName(self.agent), attempt=self.attempt)
        return _answer(await renew.renew(self.service(house), self.grant(house), command))

    def due(self, truth: Truth) -> str:
        return truth.does_beat(self.request, agent=self.agent, attempt=self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(_About):
    """An agent says what happened."""

    agent: str
    outcome: str
    attempt: str | None = None

    async def done(self, house: House) -> str:
        command = Tell(agent=AgentName(self.agent), report=Told(self.outcome), attempt=self.attempt)
        return _answer(await report.report(self.service(house), self.grant(house), command))

    def due(self, truth: Truth) -> str:
        return truth.does_report(self.request, agent=self.agent, outcome=self.outcome, attempt=self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stop(Step):
    """Somebody pulls the cord."""

    scope: str
    who: str
    click: str
    by_a_person: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        click = _click(self.who, self.click, "stop")
        return _answer(await stop.stop(self.service(house), click, scope_of(self.scope), _DRILL))

    def due(self, truth: Truth) -> str:
        return truth.does_stop(self.core, self.scope, account=self.who, click=self.click)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Resume(Step):
    """Somebody lets go of it."""

    fenced: ClassVar[bool] = True

    scope: str
    who: str
    click: str
    by_a_person: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        click = _click(self.who, self.click, "resume")
        return _answer(await stop.resume(self.service(house), click, scope_of(self.scope)))

    def due(self, truth: Truth) -> str:
        return truth.does_resume(self.core, self.scope, account=self.who, click=self.click)
