"""What the tasks of watch_streams are made of: a command of dwell, and the call when one fails."""

import json
import logging
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

from airflow.sdk import BaseOperator, Connection
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

LOG = logging.getLogger(__name__)
WRONG_USAGE = 2
NOTHING_THERE = 3
PATIENCE_SECONDS = 20


class DwellCommand(BaseOperator):
    """`python -m dwell <words>` in the project's own environment; returns the last line it says.

    It runs in a process of its own, so that Airflow and dwell need not agree on a package. Exit
    code 1 is tried again; 2, wrong usage, is not; 3, nothing there yet, skips what comes after.
    """

    template_fields = ("words",)
    ui_color = "#e4edf6"

    def __init__(self, *, project: Path, words: list[str], **kwargs):
        super().__init__(**kwargs)
        self.project = str(project)
        self.words = words
        self.process: subprocess.Popen | None = None

    def execute(self, context) -> str:
        """Run it; what it says goes into the task's log, line by line."""
        # an option that a template leaves out is an empty word
        words = [word for word in self.words if word]
        LOG.info("dwell %s", " ".join(words))
        self.process = subprocess.Popen(
            [f"{self.project}/.venv/bin/python", "-m", "dwell", *words],
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        last = ""
        try:
            for line in self.process.stdout:
                last = line.rstrip("\n")
                LOG.log(*level_and_sentence(last))
            code = self.process.wait()
        finally:
            self.on_kill()
        _, said = level_and_sentence(last)
        if code == NOTHING_THERE:
            raise AirflowSkipException(said)
        if code == WRONG_USAGE:
            raise AirflowFailException(said)
        if code:
            raise AirflowException(said)
        return last

    def on_kill(self) -> None:
        """End the command as it likes to be ended, at a timeout or if the task is cleared."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


def level_and_sentence(line: str) -> tuple[int, str]:
    """Return how grave a line of dwell's log is, and what it says in words."""
    try:
        told = json.loads(line)
        return logging.getLevelNamesMapping()[told["level"].upper()], told["message"]
    except (ValueError, KeyError, TypeError):
        return logging.INFO, line


def alert(context) -> None:
    """Say that a task has failed for good: to the URL of connection dwell_alert, or to the log."""
    instance = context["ti"]
    told = {
        "text": f"{instance.dag_id}: {instance.task_id} failed in run {instance.run_id}, "
        f"try {instance.try_number}: {context.get('exception') or 'it was killed'}",
        "dag_id": instance.dag_id,
        "task_id": instance.task_id,
        "run_id": instance.run_id,
        "try_number": instance.try_number,
    }
    LOG.error("%s", told["text"])
    try:
        url = Connection.get("dwell_alert").host
    except Exception:
        # each secrets backend has errors of its own
        LOG.info("no connection dwell_alert: nobody else is told")
        return
    # who fails must not fail again for want of a listener; the log has it
    try:
        request = urllib.request.Request(
            url, json.dumps(told).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()
    except (OSError, ValueError, AttributeError) as error:
        # its address may be a secret
        LOG.error("the alert could not be sent: %s", type(error).__name__)


def setting(name: str, default: str) -> str:
    """Return a setting of the environment."""
    return os.environ.get(name) or default
