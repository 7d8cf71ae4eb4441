"""Each benchmark runs at its smallest scale and returns the figures that it promises, whatever their size.

A benchmark raises when what it counted is wrong, e.g. when a drain left something undecided.
"""

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from benchmarks import (
    aggregate,
    archive,
    campaigns,
    delivery,
    experiments,
    flags,
    growth,
    ingest,
    latency,
    loyalty,
    maintenance,
    server,
    starts,
    storage,
    throughput,
)
from benchmarks.database import Database
from benchmarks.figures import Figure, tables
from benchmarks.flags_world import KINDS
from benchmarks.report import kept, measured_now, show, write
from trackai_pipelines.database.connection import connect


def one(figures: list[Figure], case: str, name: str) -> Figure:
    (found,) = [figure for figure in figures if figure.case == case and figure.name == name]
    return found


def test_throughput(database: Database, connection: Connection[Any]) -> None:
    figures = list(throughput.run("small", database))
    cases, first_day = tables(figures).values()
    assert list(first_day) == [
        "one row at a time",
        "floor: no look-ups",
        "2 workers, clicks not compared yet, never analysed",
        "2 workers, clicks compared, analysed",
    ]
    assert list(cases) == [
        "2k clicks, one row at a time",
        "2k clicks, floor: no look-ups",
        "2k clicks, drain, 1 worker",
        "2k clicks, drain, 2 workers",
    ]
    assert all(figure.value > 0 for figure in figures if figure.name != "CPU µs a row")
    floor = one(figures, "2k clicks, floor: no look-ups", "times one row at a time").value
    single = one(figures, "2k clicks, one row at a time", "floor's time").value
    assert floor == pytest.approx(single)
    # What the last drain left.
    left = connection.execute("SELECT count(*), count(DISTINCT strategy) FROM trackai.matched_attributions").fetchone()
    assert left == (throughput.SIZES["small"].first_day[1], 3)


def test_server_settings(database: Database) -> None:
    figures = list(server.run("small", database))
    (cases,) = tables(figures).values()
    assert list(cases) == [
        "tuned",
        "as it comes",
        "tuned, but wal_compression off",
        "tuned, but the queue is not vacuumed",
    ]
    assert all(figure.value > 0 for figure in figures if figure.name != "CPU µs a row")


def test_the_three_ways_to_decide_agree(database: Database, connection: Connection[Any]) -> None:
    from benchmarks.costs import cost_of, drains
    from benchmarks.row_at_a_time import inserting_remembered, one_by_one, remember_results
    from benchmarks.world import add_sales, have_world

    def results() -> tuple[list[Any], list[Any]]:
        attributions = connection.execute(
            "SELECT tenant_id, conversion_id, click_id, strategy, attempts FROM trackai.matched_attributions ORDER BY 2"
        ).fetchall()
        log = connection.execute(
            "SELECT conversion_id, attempt, strategy, outcome, click_id FROM trackai.match_log ORDER BY 1, 2"
        ).fetchall()
        return attributions, log

    have_world(database, clicks=1_000, tenants=5)
    add_sales(connection, 1, 300)
    assert cost_of(database, drains(2)).conversions == 300
    decided = results()
    remember_results(connection)
    assert cost_of(database, one_by_one(300)).conversions == 300
    assert results() == decided
    assert cost_of(database, inserting_remembered).conversions == 300
    assert results() == decided


def test_growth(database: Database) -> None:
    figures = list(growth.run("small", database))
    assert one(figures, "1k clicks", "times the smallest").value == 1
    assert one(figures, "1 tenant", "times the smallest").value == 1
    assert one(figures, "2k clicks", "times the smallest").value > 0
    assert one(figures, "20 tenants", "times the smallest").value > 0
    # However the clicks are mixed, and whatever waits: one comparison.
    for case in ("1 tenant, 0 wait in each", "50 tenants, 0 wait in each", "50 tenants, 20 wait in each"):
        assert one(figures, f"1k clicks of {case}", "looks").value == 1


def test_aggregate(database: Database, connection: Connection[Any]) -> None:
    figures = list(aggregate.run("small", database))
    assert one(figures, "1k conversions of a day: aggregated", "peak MB").value > 0
    days = connection.execute(
        "SELECT sum(conversions)::int, count(DISTINCT day) FROM trackai.daily_match_rates WHERE pending = 0"
    ).fetchone()
    sizes = aggregate.SIZES["small"]
    assert days == (sizes.day + sizes.days * sizes.a_day, sizes.days + 1)


def test_ingest(database: Database) -> None:
    figures = list(ingest.run("small", database))
    loaded = {(figure.title, figure.case) for figure in figures if figure.name == "rows/s"}
    assert loaded == {
        (f"Ingest: 500 {kind}", case)
        for kind in ("conversions", "clicks")
        for case in ("jsonl", "csv", "parquet", "bare COPY")
    }


@pytest.mark.timeout(900)
def test_delivery(database: Database, connection: Connection[Any]) -> None:
    figures = list(delivery.run("small", database))
    assert [case for cases in tables(figures).values() for case in cases] == [
        "400 events of 10 tenants",
        "400 events of 1 tenant",
        "8 tenants, two more that are well",
        "8 tenants, one more slow, one dead",
    ]
    # All but the two in trouble have had theirs.
    assert one(figures, "8 tenants, one more slow, one dead", "events").value == 160
    (left,) = connection.execute("SELECT array_agg(DISTINCT tenant_id) FROM trackai.dispatch_queue").fetchall()[0]
    assert left == [connection.execute("SELECT benchmark.tenant_id(2)").fetchone()[0]]  # type: ignore[index]


def test_latency_loses_nothing_when_drains_are_killed(database: Database, connection: Connection[Any]) -> None:
    figures = list(latency.run("small", database))
    phases, histogram, outage = tables(figures).values()
    for found in (*phases.values(), *outage.values()):
        assert found["lost"].value == 0
        assert found["conversions"].value > 0
    for phase in ("% steady", "% burst", "% all drains killed"):
        assert sum(found[phase].value for found in histogram.values()) == pytest.approx(100)
    steady = phases["600 a minute"]["drains that took part"].value
    assert phases["600 a minute"]["killed"].value == 1
    assert outage["600 a minute"]["killed"].value >= 1
    # All were killed at once, and nothing is lost: others have taken their places, however soon they could be started.
    drains = connection.execute("SELECT count(DISTINCT run_id) FROM trackai.match_log").fetchone()
    assert drains is not None
    assert drains[0] > steady


@pytest.mark.timeout(1_800)
def test_starts_reach_the_residents_and_tell_where_a_start_spends_its_time(database: Database) -> None:
    figures = list(starts.run("small", database))
    residents, waited, costs = tables(figures).values()
    assert residents["2 busy processes"]["runs"].value >= 3
    assert residents["2 busy processes"]["failed"].holds
    assert residents["2 busy processes"]["left queued"].value == 0
    assert waited["600 a minute, 2 busy processes"]["conversions"].value == 50
    assert waited["600 a minute, 2 busy processes"]["lost"].value == 0
    assert list(costs) == ["interpreter and imports", "Dagster's run worker", "own code, to the lease", "all"]
    assert costs["interpreter and imports"]["CPU seconds"].value > 0
    parts = sum(cost["CPU seconds"].value for part, cost in costs.items() if part != "all")
    assert costs["all"]["CPU seconds"].value == pytest.approx(parts)


@pytest.mark.timeout(900)
def test_storage(database: Database) -> None:
    figures = list(storage.run("small", database))
    (cases,) = tables(figures).values()
    assert list(cases) == ["ticks", "runs", "events", "other", "all"]
    # Vacuums first, which may add a page to a table.
    held = storage.contents(database)
    with connect(database.dagster_url) as dagster:
        rows = dagster.execute("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM run_tags)").fetchone()
        named = dagster.execute(
            "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_stat_user_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert (held["runs", "rows"],) == rows
    assert held["runs", "rows"] > 0
    assert (sum(size for (_, what), size in held.items() if what == "bytes"),) == named


def test_archive(database: Database, connection: Connection[Any]) -> None:
    figures = list(archive.run("small", database))
    (cases,) = tables(figures).values()
    assert list(cases) == ["archived and read back", "restored and compared"]
    assert all(figure.value > 0 for figure in figures)
    rows = connection.execute("SELECT count(*) FROM trackai.match_log").fetchone()
    assert rows == (archive.SIZES["small"].rows,)


def test_maintenance(database: Database, connection: Connection[Any]) -> None:
    figures = list(maintenance.run("small", database))
    cases = [case for table in tables(figures).values() for case in table]
    assert cases == ["nothing else runs", "1 days of 200 rows leave two tables", "the reader"]
    left = connection.execute("SELECT count(*) FROM trackai.clicks WHERE fbclid NOT LIKE 'written%'").fetchone()
    assert left == (0,)
    assert connection.execute("SELECT count(*) FROM trackai.archives WHERE state <> 'dropped'").fetchone() == (0,)


def test_campaigns(database: Database, connection: Connection[Any]) -> None:
    journeys, figures, reading, training = tables(campaigns.run("small", database)).values()
    whole, shared = "2k clicks, 1k sales", "2k clicks, 5 % of them with one browser id"
    assert list(journeys) == [whole, shared]
    assert list(journeys[whole]) == [
        *("CPU µs a journey", "touches a journey", "times matching", "times the smallest", "bytes a touch")
    ]
    assert journeys[whole]["touches a journey"].value > 1.2
    assert journeys[shared]["times without it"].value > 0
    assert list(training) == ["10 units, 200 paths"]
    assert list(training["10 units, 200 paths"]) == ["Markov CPU s", "Shapley CPU s", "CPU s", "peak MB"]
    ((of_day, day),) = figures.items()
    assert of_day.endswith("journeys")
    assert day["times the journeys"].value > 0
    (read,) = reading.values()
    assert read["reads"].value > 100
    assert list(read) == ["reads", "mean ms", "p95 ms", "reads above 100 ms"]
    # What the last run left, and that no other benchmark takes it up.
    stored = connection.execute("SELECT count(*) FROM trackai.conversion_journeys").fetchone()
    assert stored is not None
    assert 0 < stored[0] < 1_000
    assert connection.execute("SELECT count(*) FROM benchmark.world").fetchone() == (0,)


def test_loyalty(database: Database) -> None:
    day, posting, claims = tables(loyalty.run("small", database)).values()
    assert claims["claims and refusals"]["a second"].value > 0
    assert list(day) == ["floor: four sums a creator", "everybody", "a tenth sold"]
    assert day["everybody"]["s"].value > 0
    assert list(posting) == ["posting", "again, without news"]
    assert list(posting["posting"]) == ["CPU us an entry", "entries/s", "bytes an entry"]


def test_experiments(database: Database) -> None:
    new, known, storage, landed, computing, comparing, simulated = tables(experiments.run("small", database)).values()
    assert new["ab_test_variant"]["calls/s"].value > 0
    assert [known[case]["errors"].value for case in ("by the key", "ab_test_variant")] == [0, 0]
    assert list(storage) == [
        "an assignment with its index",
        "of a file whose name has 31 characters",
        "of ten tests, with a tenant's id of 25 characters",
    ]
    assert list(landed) == ["conversions", "ab_assignments"]
    assert list(computing) == ["floor: a plain statement", "from nothing", "one more day"]
    assert 0 < computing["one more day"]["CPU s"].value < computing["from nothing"]["CPU s"].value
    assert list(comparing["14,400 comparisons"]) == ["CPU s"]
    assert list(simulated) == [
        "no effect, 2 variants, conversion_rate",
        "no effect, 2 variants, revenue_per_user",
        "no effect, 4 variants, conversion_rate",
        "no effect, 4 variants, revenue_per_user",
        "20 % where 20 % was planned, 2 variants, conversion_rate",
        "40 % where 20 % was planned, 2 variants, conversion_rate",
        "20 % where 20 % was planned, 4 variants, conversion_rate",
    ]
    twice = simulated["40 % where 20 % was planned, 2 variants, conversion_rate"]
    assert twice["winner %"].value == twice["decided %"].value > 90


def test_flags(database: Database, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKAI_FLAGS_FLUSH_SECONDS", "0.5")
    reading, checks, changes, rows, outage, answers, day, matching = tables(flags.run("small", database)).values()
    assert list(reading) == ["a flag by its key", "active flags"]
    assert {"static", "split", "segment and variants", "hash"} <= checks.keys()
    assert all(figure.value > 0 for figures in checks.values() for figure in figures.values())
    assert list(changes) == ["3 changes"]
    assert list(rows) == ["2k keys"]
    assert rows["2k keys"]["rows/s"].value > 0
    assert list(outage) == ["before", "stopped for 1 s", "100 new users", "200 other new users"]
    assert [case.removeprefix("1k rows: ") for case in day] == [
        "GROUP BY",
        "analytics",
        "answered again",
        "a change previewed for 100 users",
    ]
    assert list(answers) == ["echo", *(f"one flag, {kind}" for kind in KINDS), "all 16 flags"]
    assert list(matching) == ["1 period a tenant", "2 periods a tenant", "30 periods a tenant"]
    assert {tuple(figures) for figures in matching.values()} == {("CPU µs a row", "times the settings of now")}
    periods = connection.execute("SELECT count(*) FROM trackai.matching_settings GROUP BY tenant_id").fetchall()
    assert set(periods) == {(1,)}, "no other benchmark finds the periods"


def test_the_report_keeps_what_is_not_measured_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slow = [Figure("Slow things", "10M clicks", "rows/s", 12.345, at_least=40), Figure("Slow things", "all", "MB", 7)]
    quick = [Figure("Quick things", "a day", "seconds", 0.01234, at_most=1)]
    out = tmp_path / "new folder" / "figures.json"
    write(out, {"slow": measured_now("full", "2 cores", ["rows/s"], slow)})
    found = kept(out)
    write(out, {**found, "quick": measured_now("small", "2 cores", ["seconds"], quick)})
    again = kept(out)
    assert again["slow"].figures == slow
    assert again["quick"].figures == quick
    markdown = out.with_suffix(".md").read_text()
    assert "12.3" in markdown
    assert "| **no** |" in markdown
    drawing = out.with_suffix(".svg").read_text()
    assert "Slow things" in drawing
    assert "Quick things" in drawing
    assert "<script" not in drawing
    assert "http" not in drawing.replace("http://www.w3.org/", "")
    show(slow)
    assert "NO" in capsys.readouterr().out
