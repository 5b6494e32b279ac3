"""dwell as a package on each engine: models of another project before and after dwell's."""

import batches
import pytest
import yaml
from engine import ENGINES, ROOT, engines
from runs import load

SETTINGS = {"events_relation": "ref('their_events')", "events_loaded_at": "loaded_at"}
PROJECT = {
    "name": "parent",
    "profile": "dwell",
    "config-version": 2,
    "vars": {"dwell": SETTINGS},
    "models": {
        # none of them where dwell's own tables are
        "+schema": "x",
        "dwell": {
            layer: {"watch": {"+enabled": False}} for layer in ("staging", "intermediate", "marts")
        },
    },
}
MODELS = {
    "their_events.sql": """{{ config(materialized='view') }}
        select * from {{ target.schema | replace('dwell_', 'raw_') }}.events""",
    "sessions_by_macro.sql": """{{ config(materialized='view') }}
        {{ dwell.sessionize(
            ref('accepted'), partition_by=['user_id', 'device_id'], order_by='event_at'
        ) }}""",
    "accepted.sql": """{{ config(materialized='view') }}
        select user_id, device_id, event_at from {{ ref('fct_events') }}""",
    "compared.sql": """{{ config(materialized='view') }}
        with by_macro as (
            select session_id, session_number, session_started_at, count(*) as event_count
            from {{ ref('sessions_by_macro') }}
            group by session_id, session_number, session_started_at
        )

        select
            count(*) as sessions,
            count(by_macro.session_id) as same
        from {{ ref('fct_sessions') }} as by_models
        left join by_macro
            on by_models.session_id = by_macro.session_id
            and by_models.session_number = by_macro.session_number
            and by_models.started_at = by_macro.session_started_at
            and by_models.event_count = by_macro.event_count""",
}


@pytest.fixture(scope="session")
def parent(tmp_path_factory):
    """Return the other project."""
    folder = tmp_path_factory.mktemp("parent") / "parent"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "dwell").symlink_to(ROOT, target_is_directory=True)
    (folder / "packages.yml").write_text(yaml.dump({"packages": [{"local": str(ROOT)}]}))
    (folder / "dbt_project.yml").write_text(yaml.dump(PROJECT))
    (folder / "profiles.yml").symlink_to(ROOT / "profiles.yml")
    for name, text in MODELS.items():
        (folder / "models" / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    "name", engines(*ENGINES, long=("postgres", "spark", "snowflake", "bigquery"))
)
def test_models_of_another_project_and_the_macro_find_the_same_sessions(name, parent, request):
    engine = request.getfixturevalue(name)
    engine.begin("package")
    for batch in batches.sample_in_batches():
        load(engine, batch)
        engine.dbt("run", project=parent)
        ((sessions, same),) = rows(engine, "compared")
        assert sessions == same > 0
        by_batches = rows(engine, "fct_sessions")
    engine.dbt("run", "--full-refresh", project=parent)
    assert rows(engine, "fct_sessions") == by_batches


def rows(engine, table):
    _, found = engine.query(f"select * from {engine.schema}_x.{table}")
    return sorted((tuple(row) for row in found), key=str)
