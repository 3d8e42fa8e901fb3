"""Nudges: who waits for something is woken at once, here and in the other replicas. Only ever a nudge."""

from escalation.ports import Wakeups


async def open_wakeups(database_url: str, redis_url: str | None = None, *, tenant: str = "") -> Wakeups:
    """
    Return the wake-ups that fit: over Valkey or Redis at *redis_url*, else over PostgreSQL, else local.

    Replicas that serve another *tenant* are not woken. Opens nothing that could fail: while the other
    side is away, waiters are woken in this process only, and read again by themselves.
    """
    if redis_url:
        from escalation.wakeups.valkey import ValkeyWakeups

        over_valkey = ValkeyWakeups(redis_url, tenant=tenant)
        over_valkey.start()
        return over_valkey
    if database_url.startswith("postgres"):
        from escalation.wakeups.postgres import PostgresWakeups

        over_postgres = PostgresWakeups(database_url, tenant=tenant)
        over_postgres.start()
        return over_postgres
    from escalation.wakeups.local import LocalWakeups

    return LocalWakeups()
