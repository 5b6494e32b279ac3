"""What all tests share."""

import os
from pathlib import Path

import pytest
from support.kafka.broker import running_broker
from support.project import Project


def pytest_terminal_summary(terminalreporter):
    """Write the names of the tests that were skipped to DWELL_SKIPPED; .ci/run reads it."""
    if path := os.environ.get("DWELL_SKIPPED"):
        skipped = {report.nodeid for report in terminalreporter.stats.get("skipped", [])}
        Path(path).write_text("".join(f"{name}\n" for name in sorted(skipped)))


@pytest.fixture
def project(tmp_path):
    """Return a way to make a project with settings of its own, on a database of its own."""
    return lambda **settings: Project(tmp_path, **settings)


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """Return a real Kafka broker, one for all tests; each makes topics of its own."""
    broker = running_broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.kill()
