"""Redshift has no emulator: dbt compiles every model for it, without a connection."""

import json

from dbt.cli.main import dbtRunner
from engine import ROOT

from dwell.dbt.runner import format_errors

# dbt without a connection does not look into the database
ALONE = ("--no-populate-cache", "--no-introspect")
# what PostgreSQL has, from which its SQL is taken where it has none of its own, and Redshift lacks
LACKING = ("make_date(", "generate_series(", "array_agg(", "is not distinct from", "to_json(")


def test_every_model_compiles(tmp_path):
    settings = {"events_relation": "raw.events", "heartbeats_relation": "raw.heartbeats"}
    result = dbtRunner().invoke(
        [
            *("--log-level", "none", "--no-print", "compile", "--target", "redshift", *ALONE),
            *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
            *("--vars", json.dumps(settings)),
        ]
    )
    assert result.success, format_errors(result)
    models = [
        r.node
        for r in result.result.results
        if r.node.resource_type == "model" and r.node.config.materialized != "ephemeral"
    ]
    assert len(models) > 20
    for model in models:
        found = [word for word in LACKING if word in model.compiled_code.lower()]
        assert not found, f"{model.name}: {found}"
