"""What the model would allow if it were wrong: each mistake breaks the invariant that forbids just that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.model.quint import MODEL


@dataclass(frozen=True, slots=True)
class Mistake:
    """A part of the model, what would be wrong in its place, and the invariant that then fails."""

    right: str
    wrong: str
    breaks: str


def with_mistake(mistake: Mistake, folder: Path) -> Path:
    """Write the model with *mistake* into *folder*; return the file."""
    text = MODEL.read_text(encoding="utf-8")
    if text.count(mistake.right) != 1:
        raise ValueError(f"the model has changed: {mistake.right!r} is not in it once")
    model = folder / MODEL.name
    model.write_text(text.replace(mistake.right, mistake.wrong), encoding="utf-8")
    return model


MISTAKES: Mapping[str, Mistake] = {
    "a claim ignores the stop": Mistake(
        '    if (isHeld(db, r)) refused(db)\n    else if (grant.state == "claimed"',
        '    if (grant.state == "claimed"',
        "noStartUnderAStop",
    ),
    "a grant is claimed again by another attempt": Mistake(
        'else if (grant.state != "granted") refused(db)\n    else if (now >= grant.granted + GRANT)',
        'else if (not(Set("granted", "claimed").contains(grant.state))) refused(db)\n'
        "    else if (now >= grant.granted + GRANT)",
        "oneStartAGrant",
    ),
    "what is unknown is run again": Mistake(
        'else if (grant.state != "granted") refused(db)\n    else if (now >= grant.granted + GRANT)',
        'else if (grant.state != "granted" and grant.state != "unknown") refused(db)\n'
        '    else if (grant.state == "granted" and now >= grant.granted + GRANT)',
        "noStartOfWhatIsOver",
    ),
    "a grant never expires": Mistake(
        "    else if (now >= grant.granted + GRANT) refused(db)\n",
        "",
        "noStartOfWhatIsOver",
    ),
    "a late click counts": Mistake(
        "else if (now >= deadline(request)) timeOut(db, now, r)\n    else db\n",
        "else db\n",
        "noLateApproval",
    ),
    "silence allows": Mistake(
        "settled: now, rung: 3 })",
        'settled: now, rung: 3 }).withRequest(r, { ...db.requests.get(r), state: "approved", settled: now })',
        "noLateApproval",
    ),
    "one director is enough": Mistake(
        "else if (decided.approvedBy.size() < WANTED.get(r).quorum)",
        "else if (decided.approvedBy.size() < 1)",
        "enoughPeople",
    ),
    "what is settled is settled again": Mistake(
        'if (db.requests.get(r).state != "pending") refused(db)\n'
        '    else { db: db.settle(now, r, "cancelled")',
        'if (false) refused(db)\n    else { db: db.settle(now, r, "cancelled")',
        "oneSettlement",
    ),
    "a sweep forgets the grants": Mistake(
        "pure def finishSweep(db: Db, scope: str): Outcome =\n    if (waits(db, scope)) refused(db)",
        "pure def finishSweep(db: Db, scope: str): Outcome =\n    if (false) refused(db)",
        "stopEndsAll",
    ),
    "it is told before it is committed": Mistake(
        "outcome.ok and Set(LIVES, TWICE).contains(how)",
        "outcome.ok and Set(LIVES, TWICE, LOSES).contains(how)",
        "nothingLost",
    ),
}
