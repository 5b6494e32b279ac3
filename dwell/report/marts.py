"""Reads the numbers of the page from the marts. SQL aggregates; no event or session is fetched."""

import json
from typing import Any

import duckdb

# {column: value}
Row = dict[str, Any]

# A chart is not wide enough to distinguish more bars than these.
BARS = 750

# days, weeks, or months: the finest unit that gives few enough bars; empty ones count 0
BY_DAY = """
with given as materialized (
    select {day} as day, {columns} from {mart}
),
bounds as (
    select min(day) as first_day, max(day) as last_day from given
),
unit as (
    select case
        when last_day - first_day < $bars then 'day'
        when (last_day - first_day) / 7 < $bars then 'week'
        else 'month'
    end as unit
    from bounds
),
steps as (
    select unnest(generate_series(
        date_trunc(unit, first_day), date_trunc(unit, last_day), cast('1 ' || unit as interval)
    ))::date as day
    from bounds, unit
),
added as (
    select date_trunc(unit, day)::date as day, {sums} from given, unit group by 1
)
select
    unit,
    steps.day::varchar as "from",
    (steps.day + cast('1 ' || unit as interval))::date::varchar as "to",
    {values}
from steps cross join unit left join added on steps.day = added.day
order by steps.day
"""

CONCURRENCY = """
with given as materialized (
    select minute_at, streams from main.watch_concurrency
),
span as (
    select date_diff('minute', min(minute_at), max(minute_at)) as minutes from given
),
width as (
    select min(widths.minutes) as minutes
    from span, (values (1), (5), (15), (60), (360), (1440), (10080), (40320)) as widths(minutes)
    where span.minutes / widths.minutes < $bars
),
counted as (
    select time_bucket(to_minutes(minutes), minute_at) as start, max(streams) as streams
    from given, width group by 1
),
steps as (
    select unnest(generate_series(min(start), max(start), to_minutes(any_value(minutes)))) as start
    from counted, width
)
select
    minutes,
    steps.start as start,
    strftime(steps.start, '%Y-%m-%dT%H:%MZ') as "from",
    strftime(steps.start + to_minutes(minutes), '%Y-%m-%dT%H:%MZ') as "to",
    coalesce(counted.streams, 0) as streams
from steps cross join width left join counted on steps.start = counted.start
order by steps.start
"""


class Marts:
    """The marts of one database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables = {
            table
            for (table,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'main'"
            ).fetchall()
        }

    def rows(self, query: str, **values: Any) -> list[Row]:
        """Return the rows of a query."""
        result = self._connection.execute(query, values or None)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def row(self, query: str, **values: Any) -> Row:
        """Return the only row of a query."""
        (row,) = self.rows(query, **values)
        return row

    def has(self, input_name: str) -> bool:
        """Whether any row of events, or of heartbeats, was read."""
        mart = {"events": "event", "heartbeats": "heartbeat"}[input_name] + "_reconciliation"
        if not self.has_table(mart):
            return False
        return bool(self.row(f"select sum(rows_read) as n from main.{mart}")["n"])

    def has_table(self, table: str) -> bool:
        """Whether a table or view was built."""
        return table in self._tables

    def by_day(self, mart: str, columns: list[str]) -> list[Row]:
        """Return unit, from, to and sums of columns by day; or week, or month, if days are many."""
        query = BY_DAY.format(
            mart=f"main.{mart}",
            day="activity_date" if mart == "daily_activity" else "watch_date",
            columns=", ".join(columns),
            sums=", ".join(f"sum({column}) as {column}" for column in columns),
            values=", ".join(f"coalesce(added.{column}, 0) as {column}" for column in columns),
        )
        return self.rows(query, bars=BARS)

    def concurrency(self) -> list[Row]:
        """Return the most streams at once in each minute; or longer, where minutes are too many."""
        return self.rows(CONCURRENCY, bars=BARS)

    def settings(self, input_name: str) -> Row:
        """Return the settings that the stored rows were made with, by the newest load."""
        # files are listed elsewhere, and the fingerprint of a key stays in the database
        settings = self._settings(input_name)
        return {k: v for k, v in settings.items() if k not in ("input", "pseudonym_key")}

    def is_sample(self, input_name: str) -> bool:
        """Whether the rows are those of the sample."""
        sample = {"events": "events", "heartbeats": "watch_heartbeats"}[input_name]
        return self._settings(input_name).get("input") == f"seeds/{sample}.csv"

    def _settings(self, input_name: str) -> Row:
        table = {"events": "dwell_event_loads", "heartbeats": "dwell_heartbeat_loads"}[input_name]
        if table not in self._tables:
            return {}
        rows = self.rows(f"select settings from main.{table} order by load_number desc limit 1")
        settings: Row = json.loads(rows[0]["settings"]) if rows else {}
        return settings
