"""One of everything, so that whatever is compiled or remembered at its first use is there before the fork."""

from escalation.ids import AgentName
from escalation.service.decide import Approve, Reject
from escalation.switch import EVERYTHING
from tests.replicas.commands import claiming, click, posting, telling
from tests.replicas.replica import Replica
from tests.scenario.agent import POSTING
from tests.scenario.world import AGENT


async def rehearse(replica: Replica) -> None:
    """Have *replica* do one of everything."""
    asked = [(await replica.call("propose", posting(f"key-{n}", memo=f"{n}"))).request for n in range(7)]
    await replica.call("tick")
    grants = []
    for request in asked[:3]:
        await replica.call("acknowledge", click("salma"), request.id)
        grants.append((await replica.call("decide", click("salma"), request.id, Approve())).grant)
    await replica.call("decide", click("khalid"), asked[3].id, Reject("Not ours"))
    await replica.call("edit", click("khalid"), asked[4].id, {**POSTING, "memo": "edited"})
    await replica.call("cancel", AgentName(AGENT), asked[5].id, "no more")
    await replica.call("claim", grants[0].id, claiming(grants[0], "one"))
    await replica.call("report", grants[0].id, telling("one"))
    await replica.call("see", asked[0].id)
    await replica.call("wait", AgentName(AGENT), asked[0].id, 1.0)
    await replica.call("stop", click("khalid"), EVERYTHING, "a rehearsal")
    await replica.call("tick")
    await replica.call("resume", click("nadia"), EVERYTHING)
    await replica.call("tick")
