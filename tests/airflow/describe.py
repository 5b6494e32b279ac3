"""Run by Airflow's own Python: prints the DAGs in a folder as JSON."""

import json
import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag

began_at = time.monotonic()
folder = Path(sys.argv[1])
bag = BundleDagBag(folder, bundle_path=folder, bundle_name="dags-folder")
found = {"errors": bag.import_errors, "seconds": time.monotonic() - began_at, "dags": {}}
for dag in bag.dags.values():
    found["dags"][dag.dag_id] = {
        "doc": dag.doc_md,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
        "timetable": type(dag.timetable).__name__,
        "params": {name: dag.params[name] for name in ("max_share", "accept_loss")},
        "tasks": {
            task.task_id: {
                "kind": type(task).__name__,
                "upstream": sorted(task.upstream_task_ids),
                "retries": task.retries,
                "retry_seconds": task.retry_delay.total_seconds(),
                "timeout": task.execution_timeout and task.execution_timeout.total_seconds(),
                "alerts": [callback.__name__ for callback in task.on_failure_callback],
                "doc": task.doc_md,
                "arguments": getattr(task, "arguments", None),
                "select": getattr(task, "select", None),
                "inlets": [asset.name for asset in task.inlets],
                "outlets": [asset.name for asset in task.outlets],
            }
            for task in dag.tasks
        },
    }
print("\n" + json.dumps(found, default=str))
