"""Fixtures of the tests of the DAG."""

import pytest
from support.kafka.broker import running_broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """Return a real Kafka broker."""
    broker = running_broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.kill()
