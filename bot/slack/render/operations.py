"""What operators are told: of stops, rules, seals of the record, rows set aside, and restores."""

from typing import assert_never

from bot.slack.render.block_kit.mrkdwn import mrkdwn
from bot.slack.render.parts.notice_text import NoticeText, counted
from bot.slack.render.parts.scopes import covered
from escalation import notice
from escalation.authority import Directory
from escalation.switch import scope

#: What is about no single request.
Told = (
    notice.Stopped
    | notice.Swept
    | notice.Resumed
    | notice.ConfigurationRefused
    | notice.ConfigurationNotLoaded
    | notice.Sealed
    | notice.SealRefused
    | notice.ReleasesFrozen
    | notice.RestoreAcknowledged
    | notice.SetAside
)


def text(said: Told, directory: Directory) -> NoticeText:
    """Return what operators are told."""
    match said:
        case notice.Stopped() | notice.Swept() | notice.Resumed():
            return _switch(said, directory)
        case notice.ConfigurationRefused() | notice.ConfigurationNotLoaded():
            return _configuration(said)
        case notice.Sealed(seq=seq, hash=hash_, epoch=epoch):
            later = f", epoch {epoch}" if epoch > 1 else ""
            return NoticeText(sentences=(f"Seal of the record: {seq} events, head {mrkdwn(hash_)}{later}",))
        case notice.ReleasesFrozen() | notice.RestoreAcknowledged():
            return _restore(said, directory)
        case notice.SealRefused():
            return _seal_refused(said)
        case notice.SetAside():
            return _set_aside(said)
        case _:
            assert_never(said)


def _switch(said: notice.Stopped | notice.Swept | notice.Resumed, directory: Directory) -> NoticeText:
    covers = covered(scope(said.scope))
    if isinstance(said, notice.Swept):
        return _swept(said, covers)
    by = mrkdwn(directory.name(said.by))
    if isinstance(said, notice.Resumed):
        stopped_by = mrkdwn(directory.name(said.stopped_by))
        what = f"*{by}* resumed {covers}, which *{stopped_by}* had stopped."
        return NoticeText(heading=f"Resumed: {said.scope}", sentences=(what, "New requests are taken again."))
    return NoticeText(
        heading=f"Stopped: {said.scope}",
        sentences=(
            f"*What happened:* *{by}* stopped {covers}. The reason is below.",
            "*What was done:* nothing new starts, and what waits is being ended; how much, follows here.",
            f"*What you can do:* {_way_out(said.scope)}",
        ),
        words=said.reason,
    )


def _swept(said: notice.Swept, covers: str) -> NoticeText:
    killed, revoked = counted(said.killed, "request"), counted(said.revoked, "approval")
    late = f" {counted(said.late, 'request')} had timed out before." if said.late else ""
    return NoticeText(
        heading=f"Ended: {said.scope}",
        sentences=(
            f"*What happened:* nothing waits any more under the stop of {covers}.",
            f"*What was done:* {killed} ended, {revoked} taken back.{late}",
            f"*What you can do:* {_way_out(said.scope)}",
        ),
    )


def _way_out(stopped: str) -> str:
    return f"a different operator resumes it with /andon resume {mrkdwn(stopped)}."


def _configuration(said: notice.ConfigurationRefused | notice.ConfigurationNotLoaded) -> NoticeText:
    if isinstance(said, notice.ConfigurationRefused):
        return NoticeText(
            heading="The changed configuration is not in force",
            sentences=(
                f"*What was done:* nothing changed; {mrkdwn(said.in_force or 'no version')} stays in force.",
                "*What you can do:* mend the files; they are read again as soon as they change.",
            ),
            words=said.why,
        )
    host = f" on {mrkdwn(said.host)}" if said.host else ""
    return NoticeText(
        heading="One process decides nothing",
        sentences=(
            f"*What happened:* a process{host} cannot load the configuration in force.",
            "*What was done:* it takes no proposals, clicks and claims; the others go on.",
            "*What you can do:* update it to the version of andon that the others run.",
        ),
        words=said.why,
    )


def _seal_refused(said: notice.SealRefused) -> NoticeText:
    return NoticeText(
        heading="The head of the record is not noted",
        sentences=(
            f"*What happened:* Slack takes no seals in <#{mrkdwn(said.channel)}>: {mrkdwn(said.why)}.",
            "*What was done:* it is tried again until one is noted; everything else goes on.",
            "*What you can do:* invite the app to that channel, or name another one in andon.yaml.",
        ),
    )


def _restore(said: notice.ReleasesFrozen | notice.RestoreAcknowledged, directory: Directory) -> NoticeText:
    if isinstance(said, notice.ReleasesFrozen):
        gone = "Stops, decisions and claims in between are not in it."
        done = "nothing is asked, approved, claimed or resumed; rejections, stops and deadlines go on."
        command = "andon restore acknowledge --by YOU --reason WHY"
        return NoticeText(
            heading="Releases are frozen: the database is an older copy",
            sentences=(
                f"*What happened:* {mrkdwn(said.why)}. {gone}",
                f"*What was done:* {done}",
                f"*What you can do:* bring the newest copy back; or, on the server, {command}.",
            ),
        )
    by = f"*{mrkdwn(directory.name(said.by))}*"
    ended = f"{counted(said.unknown, 'outcome')} to be found out"
    return NoticeText(
        heading="The restore is acknowledged: everything is stopped",
        sentences=(
            f"*What happened:* {by} acknowledged that the database is an older copy. The reason is below.",
            f"*What was done:* everything is stopped, what waits ends, no approval can be used; {ended}.",
            "*What is not known:* what was done since the backup, also where a card says that nothing was.",
            f"*What you can do:* set the other stops that were on again; then {_way_out('all')}",
        ),
        words=said.reason,
    )


#: What it means that a row of a table is set aside.
_MEANS = {
    "requests": "Nobody can decide it and its deadline does not run.",
    "grants": "Nobody can claim it.",
    "outbox": "This message was not posted.",
    "switches": "What it covers counts as stopped.",
    "sweeps": "Nobody lets go of this stop, and what waits under it ends when it is asked about or due.",
    "fence": "Nothing is proposed, decided or claimed.",
    "audit_events": "The record goes on; the event is linked as it stands.",
    "agent_keys": "Nobody can call with this key.",
}


def _set_aside(said: notice.SetAside) -> NoticeText:
    command = f"andon doctor --release {mrkdwn(said.id)}"
    more = [f"*And {counted(said.more, 'row')} more*, which are not named here."] if said.more else []
    return NoticeText(
        heading=f"Set aside: {said.id}",
        sentences=(
            f"*What happened:* one row of {mrkdwn(said.kind)} cannot be used: {mrkdwn(said.why)}.",
            f"*What was done:* it is set aside. {_MEANS.get(said.kind, '')} Everything else goes on.",
            f"*What you can do:* repair the row, or run the version that wrote it; then {command}.",
            *more,
        ),
    )
