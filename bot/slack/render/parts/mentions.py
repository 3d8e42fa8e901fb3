"""
Who is asked to decide, mentioned: in Slack a message that mentions nobody notifies nobody.

A mention is written from the ids in ``andon.yaml`` alone, never from a text.
"""

from collections.abc import Iterator

from bot.slack.render.parts.people import person
from bot.wording.view import View
from escalation.authority import Notify, Team
from escalation.ids import PersonId

#: So many are mentioned one by one; for more than these a team has a user group.
_HANDFUL = 5


def asked(view: View) -> str:
    """
    Return in markup who may decide now and has not approved yet; empty if that is nobody.

    A team is mentioned by its user group if all of it is asked, else people by themselves; who
    wants direct messages is named without a mention, and told there.
    """
    left, groups = list(view.awaited), []
    for team in _groups(view):
        groups.append(f"<!subteam^{team.user_group}>")
        left = [who for who in left if who not in team.members]
    each = sorted(left, key=lambda who: _notify(view, who) is Notify.DIRECT)
    named = [_mention(view, who) for who in each[:_HANDFUL]]
    return _listed([*groups, *named], more=len(each) - _HANDFUL)


def _groups(view: View) -> Iterator[Team]:
    awaited, people = frozenset(view.awaited), view.directory.people.keys()
    names = dict.fromkeys(name for terms in view.authority.terms for name in terms.approvers)
    for team in filter(None, map(view.directory.teams.get, names)):
        # A group with the owner in it, or with somebody who approved, would call them too.
        if team.user_group is not None and awaited and team.members & people <= awaited:
            yield team


def _notify(view: View, who: PersonId) -> Notify:
    return view.directory.people[who].notify


def _mention(view: View, who: PersonId) -> str:
    account = view.directory.people[who].account_in(view.request.tenant)
    if account is None or _notify(view, who) is Notify.DIRECT:
        return person(view, who)
    return f"<@{account.user}>"


def _listed(names: list[str], *, more: int) -> str:
    if more > 0:
        names = [*names, "1 other" if more == 1 else f"{more} others"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
