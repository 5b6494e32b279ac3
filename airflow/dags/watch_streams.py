"""The DAG watch_streams: from a Kafka topic of heartbeats to a warehouse's table of streams."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, Param, chain
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior
from cosmos.operators.local import DbtRunLocalOperator
from dwell_command import DwellCommand, alert, setting

# -- Settings: all from the environment; docs/how-to/airflow.md lists them. -----------------------

PROJECT = Path(setting("DWELL_PROJECT", str(Path(__file__).resolve().parents[2])))
DATABASE = Path(setting("DWELL_DATABASE", str(PROJECT / "dwell.duckdb")))
LANDING = Path(setting("DWELL_LANDING", str(PROJECT / "landing")))
TOPIC = setting("DWELL_TOPIC", "heartbeats")
WAREHOUSE = setting("DWELL_WAREHOUSE", "postgres")
TABLE = setting("DWELL_WAREHOUSE_TABLE", "watch_streams")

heartbeats = Asset("heartbeats", uri=f"x-kafka://{TOPIC}")
watch_streams = Asset("watch_streams", uri=f"x-dwell://{WAREHOUSE}/{TABLE}")

# -- dbt: in the project's own environment, one process per task. ---------------------------------

PROFILE = ProfileConfig(
    profile_name="dwell", target_name="duckdb", profiles_yml_filepath=PROJECT / "profiles.yml"
)
DBT = {
    "project_dir": PROJECT,
    "profile_config": PROFILE,
    "dbt_executable_path": str(PROJECT / ".venv" / "bin" / "dbt"),
    "invocation_mode": InvocationMode.SUBPROCESS,
}
DBT_ALWAYS = {
    "append_env": True,
    "env": {"DWELL_DATABASE": str(DATABASE)},
    "install_deps": False,
    # dbt's own artifacts have the SQL; Airflow's database need not store it
    "should_store_compiled_sql": False,
    "no_version_check": True,
}
INPUT = {"heartbeats_path": str(LANDING / "*.parquet")}
# The watermark override. A run consumes everything up to the end of its interval, so the streams of
# a source that has gone quiet end. A run that was triggered by hand may have no interval.
AS_OF = "{{ (dag_run.data_interval_end or dag_run.run_after).isoformat() }}"

ABOUT = """
### Heartbeats from Kafka become watch streams in a warehouse

`note_end_offsets` -> `consume` -> `check_schema` -> `streams` -> `marts` -> `load` -> `reconcile`

Every step is idempotent: offsets identify what has landed, the transaction that stored it what is
loaded, and keys what is in the warehouse. So a retry, a cleared run, a backfill, and a run after a
crash give the same table. **Tasks pass on offsets, never data**; the data is in landing files, a
DuckDB file, and the warehouse.

If a task fails for good, the DAG posts an alert to the connection `dwell_alert`.
`docs/how-to/airflow.md` describes what to do, and lists all settings.
"""


def command(task_id: str, minutes: int, about: str, *arguments: str, **more) -> DwellCommand:
    """Return a task that runs a command of dwell, with a timeout in minutes."""
    return DwellCommand(
        task_id=task_id,
        # the log has the output of the others; only the end offsets are passed on
        do_xcom_push=task_id == "note_end_offsets",
        project=PROJECT,
        arguments=list(arguments),
        execution_timeout=timedelta(minutes=minutes),
        doc_md=about,
        **more,
    )


with DAG(
    dag_id="watch_streams",
    description="Heartbeats from Kafka become watch streams in a warehouse",
    schedule=CronDataIntervalTimetable(setting("DWELL_SCHEDULE", "*/15 * * * *"), timezone="UTC"),
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    # a run consumes everything that has arrived, also for the intervals that were missed
    catchup=False,
    # one DuckDB file has one writer
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "retries": int(setting("DWELL_RETRIES", "3")),
        "retry_delay": timedelta(seconds=float(setting("DWELL_RETRY_SECONDS", "60"))),
        "on_failure_callback": alert,
        "pool": setting("DWELL_POOL", "default_pool"),
    },
    params={
        "max_share": Param(
            0.05,
            type="number",
            minimum=0,
            maximum=1,
            description="The share of new messages that may not match the schema; 1 accepts all.",
        ),
        "accept_loss": Param(
            False,
            type="boolean",
            description="Continue although Kafka has removed messages before they landed.",
        ),
    },
    tags=["dwell", "kafka", "dbt"],
    doc_md=ABOUT,
) as dag:
    note_end_offsets = command(
        "note_end_offsets",
        5,
        "Notes the end offset of each partition as the run begins: what this run has to account "
        'for. Passes on `{"partition": offset}`.',
        "end-offsets",
        f"--topic={TOPIC}",
        inlets=[heartbeats],
    )
    consume = command(
        "consume",
        120,
        "Lands the messages of the topic, unchanged: Parquet files of topic, partition, offset, "
        "time of receipt, and the payload as bytes. Continues after the last offset in the files, "
        "and uses no committed offsets of Kafka. Killed at any moment, it loses nothing and lands "
        "nothing twice.",
        "ingest",
        f"--topic={TOPIC}",
        f"--landing={LANDING}",
        "--until-end",
        "{{ '--accept-loss' if params.accept_loss else '' }}",
        inlets=[heartbeats],
    )
    check_schema = command(
        "check_schema",
        60,
        "Decodes the messages that have landed and are not loaded, and validates them against "
        "`schemas/heartbeat.schema.json`. If more than `max_share` of them do not match, nothing "
        "is loaded: without those heartbeats, ongoing streams would seem to have ended.",
        "validate",
        f"--landing={LANDING}",
        "--max-share={{ params.max_share }}",
    )
    streams = DbtRunLocalOperator(
        task_id="streams",
        **DBT,
        **DBT_ALWAYS,
        # one process and one transaction: docs/adr/0016-one-task-for-the-batch.md
        select="path:models/staging/watch path:models/intermediate/watch",
        emit_datasets=False,
        vars=INPUT | {"watch_as_of": AS_OF},
        execution_timeout=timedelta(minutes=120),
        doc_md="Loads new messages: decodes and validates them, and joins them with the stored "
        "streams. The same transaction stores their offsets, and the rejected messages. Passes the "
        "end of the run's interval to dbt as `watch_as_of`, which never goes back.",
    )
    marts = DbtTaskGroup(
        group_id="marts",
        project_config=ProjectConfig(
            PROJECT,
            # every run of dbt writes to dbt's own target folder
            manifest_path=PROJECT / "target" / "airflow" / "manifest.json",
            install_dbt_deps=False,
        ),
        profile_config=PROFILE,
        execution_config=ExecutionConfig(
            dbt_executable_path=DBT["dbt_executable_path"],
            execution_mode=ExecutionMode.LOCAL,
            invocation_mode=InvocationMode.SUBPROCESS,
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            select=["path:models/marts/watch"],
            # unit tests do not test the data, and an exposure cannot run
            exclude=["resource_type:unit_test", "resource_type:exposure"],
            # a mart and then its tests: nothing is loaded if a test fails
            test_behavior=TestBehavior.BUILD,
            emit_datasets=False,
        ),
        operator_args=DBT_ALWAYS | {"vars": INPUT, "execution_timeout": timedelta(minutes=30)},
    )
    load = command(
        "load",
        120,
        f"Merges ended streams into `{TABLE}` by their key: inserts new ones, replaces corrected "
        "ones, and deletes retracted ones. A second run changes nothing.",
        "load",
        WAREHOUSE,
        f"--table={TABLE}",
    )
    reconcile = command(
        "reconcile",
        30,
        "Accounts for each offset up to those of `note_end_offsets`: Kafka, landing files, "
        "accepted and rejected rows, streams, and the warehouse's table. Fails if they differ, and "
        "logs the difference. If they are equal, the asset `watch_streams` is updated.",
        "reconcile",
        f"--topic={TOPIC}",
        f"--landing={LANDING}",
        "--end-offsets={{ ti.xcom_pull(task_ids='note_end_offsets') }}",
        f"--warehouse={WAREHOUSE}",
        f"--table={TABLE}",
        "--sparse" if setting("DWELL_SPARSE", "") else "",
        outlets=[watch_streams],
    )
    chain(note_end_offsets, consume, check_schema, streams, marts, load, reconcile)

    for task in dag.tasks:
        if not task.doc_md:
            model = task.task_id.removeprefix("marts.").split("_model")[0]
            task.doc_md = f"The dbt model `{model}`, and then its tests."
