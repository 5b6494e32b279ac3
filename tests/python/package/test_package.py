"""dwell as a package in two projects of other people: shop and blog, in integration_tests."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
import yaml
from support.killed.parent import Parent
from support.oracles.sessions import EPOCH, Event, Rule, sessions_of

DAY = datetime(2025, 6, 1)
MINUTE = 60 * 1_000_000


def us(at):
    return (at - EPOCH) // timedelta(microseconds=1)


def hits(draw, received_at, minutes):
    """Hits of a few browsers, some of no known customer, some the crawler's, some twice."""
    made = [
        (
            draw.choice([None, "c1", "c2", "c3"]),
            draw.choice([None, "crawler", *"abcdef"]),
            draw.choice(["/", "/shoes"]),
            DAY + timedelta(minutes=draw.choice(minutes), seconds=draw.choice([0, 0, 1])),
            received_at,
        )
        for _ in range(150)
    ]
    return made + made[:10]


def shop_sessions(rows):
    """What the sessions of the shop are, by the oracle."""
    events = [
        Event(page, customer, None, us(hit_at), cookie, None)
        for customer, cookie, page, hit_at, _ in rows
        # SQL's <> is null for null, so that hits without a cookie are left out too
        if cookie not in (None, "crawler")
    ]
    sessions, _ = sessions_of(events, Rule(timeout=20 * MINUTE, key=("device_id",)))
    return sorted((s.visitor[1], s.number, s.started, s.ended, len(s.events)) for s in sessions)


STORED = """select device_id, session_number, epoch_us(started_at), epoch_us(ended_at), event_count
from analytics_sessions.fct_sessions order by all"""
VISITS = "select cookie, visits, hits from analytics.visits_by_cookie order by all"


def with_hits(shop, rows):
    shop.sql(
        """create schema if not exists raw;
        create table if not exists raw.hits (customer_number text, cookie text, page text,
        hit_at timestamp, received_at timestamp)"""
    )
    shop.sql("insert into raw.hits values (?, ?, ?, ?, ?)", rows)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The shop, built with two batches, the second of which is late and joins sessions."""
    shop = Parent("shop", tmp_path_factory.mktemp("shop"))
    draw = random.Random(7)
    shop.batches, shop.stored = [], []
    for number, minutes in enumerate([range(0, 2000, 15), range(5, 2000, 15)]):
        shop.batches.append(hits(draw, DAY + timedelta(days=3 + number), minutes))
        with_hits(shop, shop.batches[-1])
        shop.built = shop.run("build")
        shop.stored = [*shop.stored, (shop.sql(STORED), shop.sql(VISITS))]
    return shop


def test_sessions_equal_the_oracle_batch_after_batch_and_after_a_full_refresh(shop):
    first, both = shop.batches[0], shop.batches[0] + shop.batches[1]
    assert shop.stored[0][0] == shop_sessions(first)
    assert shop.stored[1][0] == shop_sessions(both)
    # the late hits join sessions: more hits, and still fewer visits than a sum of both would be
    assert len(shop.stored[1][0]) < len(shop_sessions(first)) + len(shop_sessions(shop.batches[1]))
    shop.run("run", "--full-refresh")
    assert (shop.sql(STORED), shop.sql(VISITS)) == shop.stored[1]


def test_the_second_batch_alone_was_read(shop):
    read = shop.sql(
        "select rows_read from analytics.dwell_event_loads where source = 'ref(''page_hits'')'"
    )
    assert sum(n for (n,) in read) == len(
        [row for batch in shop.batches for row in batch if row[1] not in (None, "crawler")]
    )


def test_models_of_the_shop_run_before_and_after_dwells(shop):
    visits = Counter(s[0] for s in shop.stored[1][0])
    assert {(cookie, n) for cookie, n, _ in shop.stored[1][1]} == set(visits.items())
    order = [r.node.name for r in shop.built.results]
    assert order.index("page_hits") < order.index("int_web__events_sessionized")
    assert order.index("fct_sessions") < order.index("visits_by_cookie")


def test_what_dwell_reads_is_in_the_lineage_of_one_model(shop):
    manifest = shop.run("parse")
    reading = [
        node.name
        for node in manifest.nodes.values()
        if "model.shop.page_hits" in node.depends_on.nodes
    ]
    assert reading == ["stg_web__event_rows"]


def test_the_shops_names_stay_its_own(shop):
    assert shop.sql("from analytics.fct_events") == [
        (datetime(2025, 11, 28).date(), "BLACK FRIDAY")
    ]
    assert shop.sql(
        "select count(*) from analytics_sessions.fct_events where session_id is null"
    ) == [(0,)]


def test_nothing_is_made_of_what_is_disabled(shop):
    tables = {name for (name,) in shop.sql("select table_name from information_schema.tables")}
    assert not [name for name in tables if "watch" in name or "heartbeat" in name]
    manifest = shop.run("parse")
    assert not [
        node
        for node in manifest.nodes.values()
        if node.package_name == "dwell" and node.resource_type == "seed"
    ]
    assert not manifest.exposures


def test_the_shop_has_its_own_metrics_of_dwells_sessions_and_no_others(shop):
    manifest = shop.run("parse")
    assert manifest.metrics.keys() == {"metric.shop.visits", "metric.shop.median_visit_seconds"}
    assert manifest.semantic_models.keys() == {"semantic_model.shop.visits"}


def test_what_is_disabled_is_never_late(shop):
    # watch is; the hits of the shop were loaded in 2025
    assert freshness(shop) == {"dwell_event_loads": "warn", "dwell_heartbeats_landed": "pass"}


def freshness(parent):
    """Return the status of each of dwell's sources."""
    results = parent.run("source", "freshness").results
    return {
        r.node.name: r.status
        for r in results
        if r.node.resource_type == "source" and r.node.package_name == "dwell"
    }


@pytest.fixture
def new_shop(tmp_path):
    shop = Parent("shop", tmp_path)
    with_hits(shop, [("c1", "a", "/", DAY, DAY)])
    return shop


def test_a_run_that_has_nothing_of_dwell_makes_nothing_of_dwells(new_shop):
    new_shop.run("run", "--select", "package:shop", "--exclude", "visits", "visits_by_cookie")
    assert new_shop.sql(
        "select count(*) from information_schema.tables where table_name ^@ 'dwell'"
    ) == [(0,)]


def test_before_the_first_run_nothing_is_fresh(new_shop):
    assert freshness(new_shop)["dwell_event_loads"] == "warn"


def test_an_error_describes_wrong_input_in_one_sentence(new_shop):
    def error_of(old, new):
        new_shop.change("dbt_project.yml", old, new)
        error = new_shop.run("run", fails=True)
        new_shop.change("dbt_project.yml", new, old)
        return error

    relation = "events_relation: ref('page_hits')"
    assert error_of(f"{relation}\n    events_loaded_at: received_at", "events_path: null") == (
        "dwell: no setting names its input. Under vars: dwell: in dbt_project.yml, set "
        "events_relation, as in ref('my_events'); or disable its models, as in models: dwell: "
        "+enabled: false."
    )
    assert "a model without braces, as in ref(...)" in error_of(
        relation, "events_relation: \"{{ ref('page_hits') }}\""
    )
    assert "ref('page_hits') has no column page_name" in error_of(
        "event_name: page", "event_name: page_name"
    )
    assert "events_loaded_at names hit_on, which ref('page_hits') does not have" in error_of(
        "events_loaded_at: received_at", "events_loaded_at: hit_on"
    )
    assert "require_ref_searches_node_package_before_root: true" in error_of(
        "root: true", "root: false"
    )
    new_shop.run("run")


def test_settings_of_the_command_line_are_checked_too(new_shop):
    def error_of(settings):
        return new_shop.run("run", "--vars", settings, fails=True)

    assert error_of("{dwell: {session_timeout_minutes: 5}}").startswith(
        "dwell: --vars takes a setting by its name alone"
    )
    assert error_of("{sesion_timeout_minutes: 5}").startswith(
        "dwell: there is no setting sesion_timeout_minutes. Did you mean session_timeout_minutes?"
    )
    # a variable of the shop's is its own
    new_shop.run(
        "run", "--vars", "{campaign: spring, session_timeout_minutes: 5}", "--full-refresh"
    )


@pytest.fixture
def branch(new_shop):
    """The shop, built; with the state of that build, and a second target whose schema is branch."""
    new_shop.run("run")
    new_shop.run("parse").write(str(new_shop.folder / "state" / "manifest.json"))
    new_shop.state = ("--state", str(new_shop.folder / "state"), "--target", "branch")
    profiles = yaml.safe_load((new_shop.folder / "profiles.yml").read_text())
    outputs = profiles["shop"]["outputs"]
    (built,) = outputs.values()
    outputs["branch"] = built | {"schema": "branch"}
    (new_shop.folder / "profiles.yml").write_text(yaml.dump(profiles))
    return new_shop


def test_an_input_may_be_deferred_to(branch):
    branch.run("run", "--select", "package:dwell", "--defer", *branch.state)
    assert branch.sql("select count(*) from branch_sessions.fct_sessions") == [(1,)]
    assert not branch.sql("from duckdb_views() where schema_name = 'branch'")


def test_a_cloned_table_is_rebuilt(branch):
    branch.run("clone", *branch.state)
    branch.run("run", "--target", "branch")
    assert branch.sql(VISITS.replace("analytics", "branch")) == branch.sql(VISITS)


def test_a_copy_without_a_record_of_its_origin_is_refused(branch):
    # as dbt clone does on Snowflake and BigQuery
    stored = "_sessions.int_web__events_sessionized"
    branch.sql(
        f"create schema branch_sessions; create table branch{stored} as from analytics{stored}"
    )
    error = branch.run("run", "--target", "branch", fails=True)
    assert "It was copied, as by dbt clone. Rebuild it with --full-refresh." in error
    branch.run("run", "--target", "branch", "--full-refresh")
    assert branch.sql(VISITS.replace("analytics", "branch")) == branch.sql(VISITS)


def test_another_project_in_the_same_schema_is_refused(new_shop):
    new_shop.run("run")
    new_shop.change("dbt_project.yml", "name: shop", "name: branch")
    assert new_shop.run("run", fails=True) == (
        "dwell: the tables that begin with dwell_ in the schema analytics belong to the project "
        "shop. Give branch a schema of its own, in profiles.yml; or, if the project was renamed, "
        "rebuild everything with --full-refresh."
    )
    new_shop.run("run", "--full-refresh")
    assert new_shop.sql(VISITS) == [("a", 1, 1)]


def test_an_input_that_is_ephemeral_is_refused(new_shop):
    new_shop.change(
        "models/page_hits.sql", "select", "{{ config(materialized='ephemeral') }}\nselect"
    )
    assert "ref('page_hits') is ephemeral" in new_shop.run("run", fails=True)


def test_a_source_will_do_as_well_as_a_model(new_shop):
    new_shop.change("dbt_project.yml", "ref('page_hits')", "source('app', 'hits')")
    new_shop.run("run")
    assert new_shop.sql(VISITS) == [("a", 1, 1)]


READS = """create schema raw;
create table raw.reads (user_number integer, read_at timestamp, article text)"""
PLAIN = "user_number, epoch_us(session_started_at), session_number, count(*)"


def test_the_macro_alone_gives_the_oracles_sessions(tmp_path):
    blog = Parent("blog", tmp_path)
    draw = random.Random(11)
    reads = [
        (draw.randrange(6), DAY + timedelta(minutes=draw.randrange(4000)), draw.choice("xyz"))
        for _ in range(400)
    ]
    blog.sql(READS)
    blog.sql("insert into raw.reads values (?, ?, ?)", reads)
    # of no one, or at no time
    blog.sql("insert into raw.reads values (null, timestamp '2025-06-01', 'n'), (1, null, 'n')")
    (blog.folder / "models" / "with_options.sql").write_text(
        """with reads as (select * from {{ source('blog', 'reads') }})
        {{ dwell.sessionize('reads', 'user_number', 'read_at', 45, max_hours=2,
            split_at_midnight_in='Europe/Berlin', starts_session="article = 'x'") }}"""
    )
    blog.change("models/_blog.yml", "data_tests: [not_null]", "data_tests: []")
    blog.run("build")

    assert [
        name for (name,) in blog.sql("select column_name from (describe analytics.article_reads)")
    ] == [
        "user_number",
        "read_at",
        "article",
        "session_id",
        "session_number",
        "session_started_at",
    ]
    for model, rule in {
        "article_reads": Rule(drop_duplicates=False),
        "with_options": Rule(
            timeout=45 * MINUTE,
            max_length=120 * MINUTE,
            midnight_in="Europe/Berlin",
            starts=frozenset("x"),
            drop_duplicates=False,
        ),
    }.items():
        events = [
            Event(a, str(user_number), None, us(at), None, None) for user_number, at, a in reads
        ]
        sessions, _ = sessions_of(events, rule)
        assert blog.sql(
            f"select {PLAIN} from analytics.{model} where article <> 'n' group by all order by all"
        ) == sorted((int(s.visitor[0]), s.started, s.number, len(s.events)) for s in sessions)
        assert blog.sql(f"select count(distinct session_id) from analytics.{model}") == [
            (len(sessions),)
        ]
        assert blog.sql(
            "select distinct session_id, session_number, session_started_at "
            f"from analytics.{model} where article = 'n'"
        ) == [(None, None, None)]
    tables = {name for (name,) in blog.sql("select table_name from information_schema.tables")}
    assert tables == {"reads", "article_reads", "with_options"}
    assert set(freshness(blog).values()) == {"pass"}


WATCHING = """
name: shop
profile: shop
vars:
  dwell: {heartbeats_relation: ref('beats')}
models:
  dwell:
    staging: {web: {+enabled: false}}
    intermediate: {web: {+enabled: false}}
    marts: {sessions: {+enabled: false}, timeout: {+enabled: false}, quality: {+enabled: false}}
"""


def test_heartbeats_of_a_model_become_streams_without_events(tmp_path):
    shop = Parent("shop", tmp_path)
    (shop.folder / "dbt_project.yml").write_text(WATCHING)
    for file in (shop.folder / "models").iterdir():
        file.unlink()
    (shop.folder / "models" / "beats.sql").write_text("select * from raw.beats")
    shop.sql(
        """create schema raw; create table raw.beats as
        select 'ann' as user_id, 'film' as program_id, 's1' as session_id, 'tv' as device,
        timestamp '2025-06-01 20:00:00' as start_time, start_time + to_seconds(s) as event_time
        from (values (0), (60), (121), (500)) as beats(s)"""
    )
    shop.run("build", "--select", "+package:dwell", "--exclude-resource-type", "unit_test")
    # 60 seconds go on, 61 do not; the last one goes on still
    assert shop.sql("select stream_duration from analytics.fct_watch_streams order by all") == [
        (0.0,),
        (60.0,),
    ]
    tables = {name for (name,) in shop.sql("select table_name from information_schema.tables")}
    assert not [name for name in tables if "event" in name or "session" in name]
