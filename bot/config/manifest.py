"""What an agent's ``manifest.yaml`` may say: who answers for it, what it may touch, and who decides."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, InstanceOf, model_validator

from bot.config.condition import condition
from bot.config.field_types import (
    ChannelId,
    Currency,
    Given,
    Money,
    Name,
    Short,
    Sla,
    Text,
    Title,
    TypeName,
    choice,
    kind_of,
    matching,
)
from bot.config.problem import Finding
from bot.config.shape import Shape, wrong
from escalation.authority import Edits
from escalation.policy import Condition, Then

ALWAYS = "always"

_NOT_BUILT = "is not built yet, and would do nothing"
_ON_TIMEOUT = choice(
    "do_not_act",
    approve=Finding("is approve, and a timeout never approves", "write do_not_act"),
    hold=Finding(f"is hold, which {_NOT_BUILT}", "write do_not_act"),
    ask_backup=Finding(f"is ask_backup, which {_NOT_BUILT}", "write do_not_act; the backup is told anyway"),
)
_AUTONOMY = choice(
    "hitl",
    "by_exception",
    shadow=Finding(f"is shadow, which {_NOT_BUILT}", "write hitl, and rules that deny"),
    autonomous=Finding(
        "is autonomous, which is earned on evidence that is not gathered yet",
        "write hitl or by_exception; rules decide what runs alone",
    ),
)
_WHO = "the names of teams and people, such as [finance-managers]; empty means nobody"


def _when(value: object) -> Condition | None:
    if not isinstance(value, str):
        raise wrong(f"is {kind_of(value)}")
    return None if value.strip() == ALWAYS else condition(value)


class RuleShape(Shape):
    """One line of the policy."""

    name: Name = Field(description="a name for this rule that its agent has no other of, such as manager")
    # Not optional: a condition that got lost must not turn its rule into one for everything.
    when: Annotated[InstanceOf[Condition] | None, BeforeValidator(_when)] = Field(
        description='a condition in CEL, such as "decimal(args.amount) < 50", or always'
    )
    then: Annotated[str, choice(*(then.value for then in Then))] = Field(description="allow, ask or deny")
    approvers: Annotated[list[Name] | None, Given] = Field(default=None, min_length=1, description=_WHO)
    # Not optional either, for the same reason: two keys must not become one.
    quorum: Annotated[int | None, Given] = Field(
        default=None, ge=1, description="how many different people have to approve, such as 1"
    )
    sla: Annotated[Sla | None, Given] = Field(
        default=None, description="how long people have to decide, such as 15m"
    )
    channel: Annotated[ChannelId | None, Given] = Field(
        default=None, description="the id of the Slack channel to ask in, such as C01FINANCE"
    )

    edits: Annotated[str | None, Given, choice(*(edits.value for edits in Edits))] = Field(
        default=None,
        description="who approves what a person edited: author_may_approve, another_person or forbidden",
    )

    unbuilt: ClassVar[Mapping[str, str]] = {"off_hours": "remove it; the clock runs around the clock"}

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        asks = self.then == Then.ASK.value
        for key in ("approvers", "quorum", "sla", "channel", "edits"):
            given = key in self.model_fields_set
            if given and not asks:
                raise wrong(
                    f"does nothing in a rule that says {self.then}", "remove it, or write then: ask", at=key
                )
            if asks and not given and key in {"approvers", "quorum"}:
                description = type(self).model_fields[key].description
                raise wrong("is missing", f"write `{key}`: {description}", at=key)
        if self.edits == Edits.AUTHOR_MAY_APPROVE.value and self.quorum != 1:
            raise wrong(
                "is author_may_approve, but with a quorum over 1 an author never counts",
                "remove it, or write another_person",
                at="edits",
            )
        return self


class ActionShape(Shape):
    """One type of action."""

    title: Annotated[Title | None, Given] = Field(
        default=None, description="what people call it, such as Post to the ledger"
    )
    schema_: dict[str, object] = Field(
        alias="schema", description="the JSON Schema of the arguments, with type: object"
    )
    reversible: bool = Field(description="true if it can be taken back, or false")
    display: list[str] = Field(
        default=[], description="the arguments that stand first on the card, such as [amount]"
    )
    redact: list[str] = Field(
        default=[], description="the arguments that are masked on cards, such as [iban]"
    )
    on_timeout: Annotated[str, _ON_TIMEOUT] = Field(default="do_not_act", description="do_not_act")
    report: Annotated[Short | None, Given] = Field(
        default=None, description="how long the agent may take to report, such as 30m"
    )
    rules: list[RuleShape] = Field(
        min_length=1, description="at least one rule; what no rule allows is denied"
    )


class QuestionsShape(Shape):
    """Who answers what the agent does not know."""

    approvers: list[Name] = Field(min_length=1, description=_WHO)
    channel: Annotated[ChannelId | None, Given] = Field(
        default=None, description="the id of the Slack channel to ask in, such as C01FINANCE"
    )
    on_timeout: Annotated[
        str,
        choice("no_answer", approve=Finding("is approve, and a timeout never answers", "write no_answer")),
    ] = Field(default="no_answer", description="no_answer")


class FallbackShape(Shape):
    """What the agent does when it cannot work as it should."""

    tool_error: Annotated[str, choice("ask", "stop")] = Field(description="ask or stop")
    slow: Annotated[
        str, matching(r"p95 > [1-9][0-9]{0,5}[smh]: (?:ask|stop)", "a threshold and what to do")
    ] = Field(description='a threshold and what to do, such as "p95 > 30s: ask"')


class BudgetShape(Shape):
    """What the agent may cost."""

    currency: Currency = Field(description="a currency of ISO 4217, such as USD")
    monthly: Money = Field(description="an amount for a month, such as 200")
    on_exhausted: Annotated[str, choice("stop", "degrade")] = Field(description="stop or degrade")
    cheaper_model: Annotated[Text | None, Given] = Field(
        default=None, description="the model to fall back to; with on_exhausted: degrade alone"
    )

    @model_validator(mode="after")
    def _names_a_model_to_degrade_to(self) -> Self:
        degrades = self.on_exhausted == "degrade"
        if degrades and self.cheaper_model is None:
            raise wrong(
                "is missing", "write the model to fall back to, or on_exhausted: stop", at="cheaper_model"
            )
        if self.cheaper_model is not None and not degrades:
            raise wrong(
                "does nothing where on_exhausted is stop", "remove it, or write degrade", at="cheaper_model"
            )
        return self


class SloShape(Shape):
    """How good the agent has to be."""

    latency_p95: Short = Field(description="a duration, such as 30s")
    accuracy: float = Field(ge=0, le=1, description="a share from 0 to 1, such as 0.97")
    cost_per_decision: Money = Field(description="an amount in the budget's currency, such as 0.05")


class RollbackShape(Shape):
    """How what it did is taken back."""

    how: Text = Field(description='where the steps are, such as "runbook#roll-back"')
    verified: date = Field(description="the day it was last tried, such as 2026-11-01")


class BreakersShape(Shape):
    """What stops the agent by itself."""

    errors: Annotated[str, matching(r"[1-9][0-9]{0,5} in [1-9][0-9]{0,5}[smhd]", "a number and a time")] = (
        Field(description='how many in what time, such as "5 in 10m"')
    )
    unknown: int = Field(ge=1, description="how many unknown outcomes, such as 1")
    escalation_rate: Annotated[str, matching(r"[1-9](?:\.[0-9])? sigma", "a number of sigmas")] = Field(
        description='how far from normal, such as "3 sigma"'
    )


class ManifestShape(Shape):
    """The whole of a ``manifest.yaml``: the standard that an agent meets before it is let loose."""

    agent: Name = Field(description="the agent's name, such as bank-reconciliation")
    owner: Name = Field(description="the one person who answers for it, such as nadia")
    backup: Name = Field(description="the person who is told when the owner is not there, such as khalid")
    function: Name = Field(description="the part of the business it works for, such as finance")
    runbook: Name = Field(description="the name of its runbook, such as bank-reconciliation")
    autonomy: Annotated[str, _AUTONOMY] = Field(description="hitl or by_exception")
    actions: dict[TypeName, ActionShape] = Field(
        description="each action's keys under its type, such as ledger.post"
    )
    questions: QuestionsShape = Field(description="who answers it, such as {approvers: [finance]}")
    fallback: FallbackShape = Field(description='such as {tool_error: ask, slow: "p95 > 30s: ask"}')
    budget: BudgetShape = Field(
        description="what it may cost, such as {currency: USD, monthly: 200, on_exhausted: stop}"
    )
    slo: SloShape = Field(
        description="how good it is, such as {latency_p95: 30s, accuracy: 0.97, cost_per_decision: 0.05}"
    )
    rollback: RollbackShape = Field(
        description='how it is undone, such as {how: "runbook#roll-back", verified: 2026-11-01}'
    )
    breakers: BreakersShape = Field(
        description='what stops it, such as {errors: "5 in 10m", unknown: 1, escalation_rate: "3 sigma"}'
    )
