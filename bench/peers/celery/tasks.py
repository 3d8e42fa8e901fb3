"""The task that a worker runs, and the list where it says how late it was."""

import os
import time

import redis
from celery import Celery

LATE = "late"
app = Celery("bench", broker=os.environ["BENCH_VALKEY"])
app.conf.update(
    task_ignore_result=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False
)
client = redis.Redis.from_url(os.environ["BENCH_VALKEY"], db=1)


def fire(due: float) -> None:
    """Note when it runs."""
    late = time.time() - due
    client.rpush(LATE, late)


task = app.task(name="fire")(fire)
