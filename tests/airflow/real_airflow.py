"""A real Airflow on this machine: API server, scheduler, DAG processor, and SQLite."""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from support.kafka.broker import free_ports
from support.project import ROOT

VENV = ROOT / ".venv-airflow" / "bin"
DAG = "watch_streams"


def environment_of(folder, **more):
    """Return the environment of an Airflow that keeps its files in a folder."""
    return (
        os.environ
        | {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow" / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            # a process occupies a slot for some seconds after its task
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__COSMOS__CACHE_DIR": str(folder / "cosmos"),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-this-test-0123456789abcdef0123456789abcdef",
            "PATH": f"{VENV}:{os.environ['PATH']}",
        }
        | more
    )


class Airflow:
    """Three processes, each in a group of its own, and their API."""

    def __init__(self, folder, **more):
        self.folder = folder
        self.port = free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment_of(
            folder,
            AIRFLOW__API__HOST="127.0.0.1",
            AIRFLOW__API__PORT=str(self.port),
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{self.url}/execution/",
            **more,
        )
        self.processes = []
        self.token = None

    def start(self):
        """Start Airflow, and wait until it has parsed the DAG."""
        self.command("db", "migrate")
        self.process("api-server")
        wait_for(lambda: self.answers("/api/v2/monitor/health"), "the API server")
        with urllib.request.urlopen(f"{self.url}/auth/token", timeout=10) as answer:
            self.token = json.load(answer)["access_token"]
        self.process("scheduler", "--skip-serve-logs")
        self.process("dag-processor")
        wait_for(lambda: self.answers(f"/api/v2/dags/{DAG}"), "the DAG", self.errors)

    def command(self, *words):
        """Run airflow to its end."""
        done = subprocess.run(
            [VENV / "airflow", *words], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def process(self, *words):
        """Start a process of airflow in the background."""
        log = (self.folder / f"{words[0]}.log").open("w")
        self.processes.append(
            subprocess.Popen(
                [VENV / "airflow", *words],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )

    def stop(self):
        """End all processes, and the processes that they have started."""
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0.1))
            # its own processes may still run
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    # -- The API -------------------------------------------------------------------------------

    def ask(self, path, body=None, method=None):
        """Return the response of the API."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def answers(self, path):
        """Return the response of the API; None if there is none."""
        try:
            return self.ask(path)
        except (OSError, urllib.error.HTTPError):
            return None

    def errors(self):
        """Return why DAGs could not be imported."""
        return self.answers("/api/v2/importErrors")

    def trigger(self, run_id, start, end, **params):
        """Begin a run of an interval."""
        body = {"dag_run_id": run_id, "logical_date": start, "conf": params}
        self.ask(
            f"/api/v2/dags/{DAG}/dagRuns",
            body | {"data_interval_start": start, "data_interval_end": end},
        )

    def clear(self, run_id):
        """Clear all tasks of a run, so that they run again."""
        self.ask(
            f"/api/v2/dags/{DAG}/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": False}
        )

    def state(self, run_id, dag=DAG):
        """Return the state of a run."""
        return self.ask(f"/api/v2/dags/{dag}/dagRuns/{run_id}")["state"]

    def tasks(self, run_id):
        """Return {task: its fields in the API}."""
        found = self.ask(f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances?limit=100")
        return {task["task_id"]: task for task in found["task_instances"]}

    def log(self, run_id, task, attempt=1):
        """Return the log of a try of a task."""
        path = (
            self.folder / "logs" / f"dag_id={DAG}" / f"run_id={run_id}" / f"task_id={task}"
        ) / f"attempt={attempt}.log"
        return path.read_text() if path.exists() else ""

    def wait(self, run_id, state="success", seconds=240):
        """Wait until a run has ended, in the expected state."""
        deadline = time.monotonic() + seconds
        while (found := self.state(run_id)) not in ("success", "failed"):
            assert time.monotonic() < deadline, f"{run_id} is {found} after {seconds} s"
            time.sleep(0.5)
        if found != state:
            raise AssertionError(f"{run_id} is {found}\n{self.what_failed(run_id)}")

    def what_failed(self, run_id):
        """Return the ends of the logs of tasks that failed."""
        return "\n".join(
            f"== {task}\n{self.log(run_id, task, about['try_number'])[-4_000:]}"
            for task, about in self.tasks(run_id).items()
            if about["state"] == "failed"
        )


def wait_for(condition, what, why=lambda: "", seconds=120):
    """Wait until a condition holds, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}: {why()}"
        time.sleep(0.2)
    return found
