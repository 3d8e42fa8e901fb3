"""A gated function keeps its signature; mypy is the judge when it reads this file."""

from decimal import Decimal
from typing import TYPE_CHECKING, assert_type

from andon import Andon, Gated, sync
from andon.testing import Script


def test_the_signature_is_kept() -> None:
    """Parameters and result of a gated function are those of the plain one, for both clients."""
    andon, plain = Andon(offline=Script()), sync.Andon(offline=Script())

    @andon.gated("ledger.post")
    async def post(account: str, amount: Decimal) -> str:
        return f"{account} {amount}"

    @plain.gated("ledger.post")
    def post_now(account: str, amount: Decimal) -> str:
        return f"{account} {amount}"

    kept: Gated[[str, Decimal], str] = post
    kept_now: sync.Gated[[str, Decimal], str] = post_now
    if TYPE_CHECKING:
        post("2100", 5)  # type: ignore[arg-type, unused-coroutine]  # each ignore is used, or mypy says so
        post("2100")  # type: ignore[call-arg, unused-coroutine]
        post.asking(key="k")(account="2100", amount="5")  # type: ignore[arg-type, unused-coroutine]
        post.asking(colour="red")  # type: ignore[call-arg]
        assert_type(post_now.asking(summary="s")("2100", Decimal(5)), str)
        post_now("2100", 5)  # type: ignore[arg-type]
        post_now(acount="2100", amount=Decimal(5))  # type: ignore[call-arg]
    assert isinstance(kept, Gated)
    assert isinstance(kept_now, sync.Gated)
