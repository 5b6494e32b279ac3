"""The job of flink/ as a process that may be killed."""

import os
import signal
import subprocess
import sys
import time

from support.project import ROOT

PYTHON = ROOT / ".venv-flink" / "bin" / "python"


class Job:
    """flink/run.py on topics of its own, with checkpoints in a folder."""

    def __init__(self, broker, folder, heartbeats, streams, late, sql=ROOT / "flink"):
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.log = folder / "flink.log"
        self.command = [PYTHON, sql / "run.py", "--bootstrap", broker.bootstrap]
        self.command += ["--heartbeats", heartbeats, "--streams", streams, "--late", late]
        self.command += ["--checkpoints", self.checkpoints]
        self.process = None

    def start(self, *options):
        """Start it, and wait until Flink has the job."""
        with self.log.open("a") as log:
            before = self.log.stat().st_size
            # a process group, so that a kill takes Python and its Java
            self.process = subprocess.Popen(
                [str(word) for word in (*self.command, *options)],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(lambda: "running" in self.log.read_text()[before:], "the job to start")

    def kill(self):
        """End Python and its Java as a crash does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def checkpoint(self):
        """Return the number of the newest complete checkpoint, 0 if there is none."""
        return max(
            (
                int(path.parent.name.removeprefix("chk-"))
                for path in self.checkpoints.glob("*/chk-*/_metadata")
            ),
            default=0,
        )

    def wait_for(self, condition, what, seconds=120):
        """Wait until a condition holds while the job runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            log = self.log.read_text()[-3_000:]
            assert self.process.poll() is None, f"the job ended by itself:\n{log}"
            if time.monotonic() > deadline:
                missing = what() if callable(what) else what
                raise AssertionError(f"waited {seconds} s for {missing}:\n{log}")
            time.sleep(0.3)


def mark_time(broker, topic, at):
    """Write a time mark into each partition."""
    command = [sys.executable, ROOT / "flink" / "mark_time.py", broker.bootstrap, topic]
    subprocess.run([str(word) for word in (*command, "--now", at)], check=True)
