"""dwell, killed at a named point: DIE_AT=point:times python listener.py listen ...

It dies as it reaches the point for the so-many-th time, with no chance to clean up.
WITHOUT_TRANSACTION takes the transaction from the topic it publishes to, and so what makes that
exact.
"""

import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path

# a process of its own, outside pytest: the checkout, and tests/python
sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[4]))

from confluent_kafka import Producer

from dwell.cli.main import main
from dwell.dbt import runner
from dwell.landing import folder as landing_folder
from dwell.publishing import ledger, sinks

left = {}
# where it hangs, if it does
faulthandler.register(signal.SIGUSR1)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def reached(point):
    """Die here, if it is time."""
    named, _, times = os.environ.get("DIE_AT", "").partition(":")
    if point == named:
        left[point] = left.get(point, int(times)) - 1
        if left[point] == 0:
            die()


def around(owner, name, before=None, after=None):
    """Have a function reach points before and after it does its work."""
    work = getattr(owner, name)

    def changed(*arguments, **named):
        if before:
            reached(before)
        result = work(*arguments, **named)
        if after:
            reached(after)
        return result

    setattr(owner, name, changed)


def in_the_middle(work):
    """Have a run of dbt die a moment after it began."""

    def changed(*arguments, **named):
        if os.environ.get("DIE_AT", "").startswith("dbt runs:"):
            threading.Timer(0.25, reached, ["dbt runs"]).start()
        return work(*arguments, **named)

    return changed


def sent_but_not_committed(commit):
    def changed(self):
        self.producer.flush(30)
        reached("batch sent")
        return commit(self)

    return changed


around(landing_folder, "replace_file", before="file written", after="file landed")
around(ledger.Ledger, "write_down", after="batch written down")
around(ledger.Ledger, "mark_published", before="batch published", after="batch marked")
runner.Dbt.run = in_the_middle(runner.Dbt.run)
sinks.Topic.commit = sent_but_not_committed(sinks.Topic.commit)
POINTS = (
    "file written",
    "file landed",
    "dbt runs",
    "batch written down",
    "batch sent",
    "batch published",
    "batch marked",
)


class Idempotent(sinks.Topic):
    """What one would write without a transaction: the producer is idempotent, and no more."""

    def __init__(self, settings, topic, publisher):
        super().__init__(settings, topic, publisher)
        self.producer = Producer(dict(settings) | {"enable.idempotence": True})

    def open(self):
        pass

    def last_batch(self):
        return None

    def refuse_lost_position(self, published, pending):
        pass

    def publish(self, batch, messages):
        for key, value in messages:
            self.producer.produce(self.topic, value, key=key)
        self.producer.flush()


if os.environ.get("WITHOUT_TRANSACTION"):
    from dwell.streaming import listen

    listen.Topic = Idempotent

if __name__ == "__main__":
    sys.exit(main())
