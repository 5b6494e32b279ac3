"""The DAG watch_streams: heartbeats from a Kafka topic, watch streams, a table in a warehouse."""

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

# -- dbt: the project's own environment, a process a task. ----------------------------------------

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
    # SQL is in dbt's own artifacts; Airflow's database is no place for it
    "should_store_compiled_sql": False,
    "no_version_check": True,
}
INPUT = {"heartbeats_path": str(LANDING / "*.parquet")}
# The end of the run's interval is a moment up to which everything has been consumed, so that the
# streams of a source gone quiet end. A run that was triggered by hand may have no interval.
AS_OF = "{{ (dag_run.data_interval_end or dag_run.run_after).isoformat() }}"

ABOUT = """
### Heartbeats from Kafka become watch streams in a warehouse

`note_ends` -> `consume` -> `check_schema` -> `streams` -> `marts` -> `load` -> `reconcile`

Every step is exact and may be run again: what has landed is known by its offsets, what is loaded
by the transaction that stored it, what is in the warehouse by its key. So a retry, a cleared run,
a backfill and a run after a crash give the same table. **Tasks hand on offsets and sentences, never
data**; the data is in landing files, a DuckDB file and the warehouse.

If a task fails for good, connection `dwell_alert` is told. `docs/how-to/airflow.md`
describes what to do, and lists all settings.
"""


def command(task_id: str, minutes: int, about: str, *words: str, **more) -> DwellCommand:
    """Return a task that runs a command of dwell, and may take so many minutes."""
    return DwellCommand(
        task_id=task_id,
        # what it says is in its log; few things are to be handed on
        do_xcom_push=task_id == "note_ends",
        project=PROJECT,
        words=list(words),
        execution_timeout=timedelta(minutes=minutes),
        doc_md=about,
        **more,
    )


with DAG(
    dag_id="watch_streams",
    description="Heartbeats from Kafka become watch streams in a warehouse",
    schedule=CronDataIntervalTimetable(setting("DWELL_SCHEDULE", "*/15 * * * *"), timezone="UTC"),
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    # a run takes all that has come, so that the next one makes up for those that were missed
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
            description="The share of new messages that may not fit the schema; 1 lets all pass.",
        ),
        "accept_loss": Param(
            False,
            type="boolean",
            description="Go on where Kafka has removed messages before they landed.",
        ),
    },
    tags=["dwell", "kafka", "dbt"],
    doc_md=ABOUT,
) as dag:
    note_ends = command(
        "note_ends",
        5,
        "Notes where each partition ends as the run begins: what this run has to account for. "
        'Hands on `{"partition": offset}`.',
        "ends",
        f"--topic={TOPIC}",
        inlets=[heartbeats],
    )
    consume = command(
        "consume",
        120,
        "Lands what the topic has, as it comes: Parquet files of topic, partition, offset, time of "
        "receipt, and the payload as bytes. Goes on after the last offset in the files; Kafka's "
        "committed offsets play no part. Killed at any moment, it loses and doubles nothing.",
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
        "Decodes what has landed and is not loaded, and holds it against "
        "`schemas/heartbeat.schema.json`. If more than `max_share` does not fit, nothing is "
        "loaded: without those heartbeats, streams that go on would seem to have ended.",
        "check",
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
        doc_md="Takes in what is new: decodes, judges, joins with the stored streams. With them, "
        "in one transaction, it stores which offsets are in, and what was rejected. Hands dbt the "
        "end of the run's interval as `watch_as_of`, which never goes back.",
    )
    marts = DbtTaskGroup(
        group_id="marts",
        project_config=ProjectConfig(
            PROJECT,
            # dbt's own target folder is written by everyone who runs dbt
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
            # unit tests say nothing about data, and an exposure is nothing to run
            exclude=["resource_type:unit_test", "resource_type:exposure"],
            # a mart and then its tests: nothing is loaded that a test has refused
            test_behavior=TestBehavior.BUILD,
            emit_datasets=False,
        ),
        operator_args=DBT_ALWAYS | {"vars": INPUT, "execution_timeout": timedelta(minutes=30)},
    )
    load = command(
        "load",
        120,
        f"Merges ended streams into `{TABLE}` by their key: new ones are added, corrected ones "
        "replaced, those that merged into others deleted. A second time changes nothing.",
        "load",
        WAREHOUSE,
        f"--table={TABLE}",
    )
    reconcile = command(
        "reconcile",
        30,
        "Accounts for each offset up to those of `note_ends`: Kafka, landing files, accepted and "
        "rejected rows, streams, and the warehouse's table. Fails with a sentence where they "
        "differ. Only then is the asset `watch_streams` told to have changed.",
        "reconcile",
        f"--topic={TOPIC}",
        f"--landing={LANDING}",
        "--ends={{ ti.xcom_pull(task_ids='note_ends') }}",
        f"--warehouse={WAREHOUSE}",
        f"--table={TABLE}",
        "--sparse" if setting("DWELL_SPARSE", "") else "",
        outlets=[watch_streams],
    )
    chain(note_ends, consume, check_schema, streams, marts, load, reconcile)

    for task in dag.tasks:
        if not task.doc_md:
            model = task.task_id.removeprefix("marts.").split("_model")[0]
            task.doc_md = f"The dbt model `{model}`, and then its tests."
