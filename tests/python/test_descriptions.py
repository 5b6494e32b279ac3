"""Everything that people meet is described."""

import re

import yaml
from project import MARTS, ROOT, WATCH_MARTS, Project


def test_every_model_column_and_public_macro_is_described(tmp_path):
    manifest = Project(tmp_path).manifest()
    undescribed = []
    for node in [*manifest.nodes.values(), *manifest.sources.values()]:
        if node.resource_type not in ("model", "seed", "source"):
            continue
        if not node.description:
            undescribed.append(node.unique_id)
        undescribed += [f"{node.name}.{c.name}" for c in node.columns.values() if not c.description]
    assert undescribed == []


def test_every_column_of_every_table_is_in_its_description(project):
    dwell = project()
    dwell.run("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    manifest = dwell.manifest()
    for node in manifest.nodes.values():
        if node.resource_type in ("model", "seed") and node.config.materialized != "ephemeral":
            stored = {name for (name, *_) in dwell.rows(f"describe {node.alias}")}
            assert stored == set(node.columns), node.name


def test_the_marts_are_those_that_tests_compare(tmp_path):
    manifest = Project(tmp_path).manifest()
    marts = {
        n.name for n in manifest.nodes.values() if n.resource_type == "model" and "marts" in n.fqn
    }
    assert marts == {*MARTS, *WATCH_MARTS}


def test_every_mart_has_a_contract_and_a_yaml_beside_it(tmp_path):
    for sql in (ROOT / "models").rglob("*.sql"):
        assert sql.with_suffix(".yml").exists(), sql.name
        described = yaml.safe_load(sql.with_suffix(".yml").read_text())
        assert [m["name"] for m in described["models"]] == [sql.stem]
    manifest = Project(tmp_path).manifest()
    for node in manifest.nodes.values():
        if node.name in MARTS + WATCH_MARTS:
            assert node.config.contract.enforced, node.name


def test_links_between_pages_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
