"""The operator of the tasks of watch_streams, which runs a command of dwell, and their alert."""

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
NOTHING_LANDED = 3
SHUTDOWN_SECONDS = 20


class DwellCommand(BaseOperator):
    """Runs `python -m dwell <arguments>` in the project's environment; returns its last line.

    The command is a process of its own, so that Airflow and dwell do not have to agree on the
    versions of packages. Airflow retries exit code 1, and does not retry 2 (wrong usage). Exit code
    3 (nothing has landed yet) skips the tasks that follow.
    """

    template_fields = ("arguments",)
    ui_color = "#e4edf6"

    def __init__(self, *, project: Path, arguments: list[str], **kwargs):
        super().__init__(**kwargs)
        self.project = str(project)
        self.arguments = arguments
        self.process: subprocess.Popen | None = None

    def execute(self, context) -> str:
        """Run the command, and log its output in the task's log, line by line."""
        # a template renders an option that is not given as an empty text
        arguments = [argument for argument in self.arguments if argument]
        LOG.info("dwell %s", " ".join(arguments))
        self.process = subprocess.Popen(
            [f"{self.project}/.venv/bin/python", "-m", "dwell", *arguments],
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        last = ""
        try:
            for line in self.process.stdout:
                last = line.rstrip("\n")
                LOG.log(*parse_log_line(last))
            code = self.process.wait()
        finally:
            self.on_kill()
        _, message = parse_log_line(last)
        if code == NOTHING_LANDED:
            raise AirflowSkipException(message)
        if code == WRONG_USAGE:
            raise AirflowFailException(message)
        if code:
            raise AirflowException(message)
        return last

    def on_kill(self) -> None:
        """End the command at a timeout or if the task is cleared: by SIGTERM, then by SIGKILL."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


def parse_log_line(line: str) -> tuple[int, str]:
    """Return the level and the message of a line of dwell's log."""
    try:
        record = json.loads(line)
        return logging.getLevelNamesMapping()[record["level"].upper()], record["message"]
    except (ValueError, KeyError, TypeError):
        return logging.INFO, line


def alert(context) -> None:
    """Log that a task has failed for good, and post it to the URL of connection dwell_alert."""
    instance = context["ti"]
    message = {
        "text": f"{instance.dag_id}: {instance.task_id} failed in run {instance.run_id}, "
        f"try {instance.try_number}: {context.get('exception') or 'it was killed'}",
        "dag_id": instance.dag_id,
        "task_id": instance.task_id,
        "run_id": instance.run_id,
        "try_number": instance.try_number,
    }
    LOG.error("%s", message["text"])
    try:
        url = Connection.get("dwell_alert").host
    except Exception:
        # the errors depend on the secrets backend
        LOG.info("there is no connection dwell_alert: the alert is only in this log")
        return
    # an alert that cannot be sent must not be another failure; the log has it
    try:
        request = urllib.request.Request(
            url, json.dumps(message).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()
    except (OSError, ValueError, AttributeError) as error:
        # the message of the error may have the URL, which may be a secret
        LOG.error("the alert could not be sent: %s", type(error).__name__)


def setting(name: str, default: str) -> str:
    """Return a setting of the environment."""
    return os.environ.get(name) or default
