"""Everything that people meet is described."""

import re

import pytest
from support.project import MARTS, ROOT, WATCH_MARTS, Project


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    dwell = Project(tmp_path_factory.mktemp("built"))
    dwell.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    return dwell


@pytest.fixture(scope="module")
def manifest(built):
    return built.manifest()


def test_every_column_of_a_seed_or_source_is_described(manifest):
    """Those of models: dbt-bouncer.yml."""
    undescribed = [
        f"{node.name}.{c.name}"
        for node in [*manifest.nodes.values(), *manifest.sources.values()]
        if node.resource_type in ("seed", "source")
        for c in node.columns.values()
        if not c.description
    ]
    assert undescribed == []


def test_every_column_of_every_table_is_in_its_description(built, manifest):
    for node in manifest.nodes.values():
        if node.resource_type in ("model", "seed") and node.config.materialized != "ephemeral":
            stored = {name for (name, *_) in built.rows(f"describe {node.alias}")}
            assert stored == set(node.columns), node.name


def test_the_descriptions_of_marts_stand_in_the_database(built):
    described = {
        (node.alias, column.name): column.description
        for node in built.manifest().nodes.values()
        if node.name in (*MARTS, *WATCH_MARTS)
        for column in node.columns.values()
    }
    stored = built.rows("select table_name, column_name, comment from duckdb_columns()")
    stored = {(t, c): comment for t, c, comment in stored if t in (*MARTS, *WATCH_MARTS)}
    assert stored == described
    (told,) = built.row("select comment from duckdb_tables() where table_name = 'daily_activity'")
    assert told.startswith("How much happened on which day.")
    (told,) = built.row("select comment from duckdb_views() where view_name = 'fct_sessions'")
    assert told.startswith("Sessions of visitors.")


def test_the_marts_are_those_that_tests_compare(manifest):
    marts = {
        n.name for n in manifest.nodes.values() if n.resource_type == "model" and "marts" in n.fqn
    }
    assert marts == {*MARTS, *WATCH_MARTS}


@pytest.mark.parametrize(
    ("selector", "groups"),
    [("events", {"dwell_events", "dwell_evidence"}), ("watch", {"dwell_watch"})],
)
def test_a_selector_has_the_models_of_its_groups(selector, groups, built, manifest):
    """Private models are known in their group alone: a selector with less would not build."""
    selected = built.run(
        "ls", "--selector", selector, "--resource-type", "model", "--output", "name"
    )
    models = [n for n in manifest.nodes.values() if n.resource_type == "model"]
    of_groups = [n.name for n in models if n.config.group in groups]
    assert sorted(selected) == sorted(of_groups)


def test_exposures_know_the_marts_that_their_code_names(manifest):
    for exposure in manifest.exposures.values():
        code = "".join(
            file.read_text()
            for pattern in exposure.config.meta["code"]
            for file in sorted(ROOT.glob(pattern))
        )
        named = {*MARTS, *WATCH_MARTS} & set(re.findall(r"\w+", code))
        assert named, exposure.name
        known = {id.split(".")[-1] for id in exposure.depends_on.nodes}
        assert named <= known, exposure.name


def test_links_between_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
