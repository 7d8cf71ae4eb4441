"""Files of costs: in any order, as often as one likes, from several processes; bad rows are kept with their reason."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any, LiteralString

import pytest
from ingest.landing_zone import KINDS, counts, load_all, write, write_jsonl
from psycopg import Connection, sql

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.ingest.load import load_paths

_COST: dict[str, Any] = {
    "account_id": "1",
    "campaign_id": "77",
    "day": "2026-05-01",
    "currency": "BRL",
    "spend": "10",
    "clicks": 2,
}


def _costs(
    connection: Connection[Any], columns: LiteralString = "source, campaign_id, hour, spend"
) -> list[tuple[Any, ...]]:
    query = sql.SQL("SELECT {} FROM trackai.ad_costs ORDER BY ad_costs.hour, 1, 2").format(sql.SQL(columns))
    return connection.execute(query).fetchall()


def _reasons(connection: Connection[Any]) -> list[str]:
    rows = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY source, line").fetchall()
    return [reason for (reason,) in rows]


def test_a_file_says_the_platform_and_registers_account_name_and_campaign(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    cost = {**_COST, "campaign_name": " Spring ", "link_clicks": 1, "reach": 7, "spend": 1.2345678}
    file = write_jsonl(landing / "acme" / "ad_costs_meta_2026.jsonl", {**cost, "stated_at": "2026-05-02T06:00:00Z"})
    (report,) = load_all(database_url, landing)
    assert (report.kind, *counts(report)) == ("ad_costs", 1, 0, 0)
    assert report.note == "spend rounded to six decimals, half to even (1 record)"
    stated = datetime(2026, 5, 2, 6, tzinfo=UTC)
    assert _costs(connection, "source, spend, clicks, link_clicks, reach, first_stated_at, last_stated_at") == [
        ("meta", Decimal("1.234568"), 2, 1, 7, stated, stated)
    ]
    accounts = connection.execute("SELECT tenant_id, source, account_id, currency, time_zone FROM trackai.ad_accounts")
    assert accounts.fetchall() == [("t-acme", "meta", "1", "BRL", "UTC")]
    names = connection.execute("SELECT campaign_id, name, first_stated_at FROM trackai.ad_campaign_names").fetchall()
    assert names == [("77", "Spring", stated)]
    campaigns = connection.execute("SELECT tenant_id, campaign_id, name, status, clicked FROM trackai.campaigns")
    assert campaigns.fetchall() == [("t-acme", "77", "77", "active", False)]
    # Without a time of its own, a row says what was so when its file was written.
    write_jsonl(file, {**cost, "spend": 2})
    os.utime(file, (1_777_777_777, 1_777_777_777))
    load_all(database_url, landing)
    ((spend, last),) = _costs(connection, "spend, last_stated_at")
    assert (spend, last.replace(microsecond=0)) == (Decimal(2), datetime.fromtimestamp(1_777_777_777, UTC))


def test_folders_and_columns_name_the_platform_too(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    write_jsonl(landing / "acme" / "ad_costs_google" / "2026-05.jsonl", _COST)
    write_jsonl(landing / "acme" / "ad_costs.jsonl", {**_COST, "source": "Bing"}, {**_COST, "campaign_id": "78"})
    write(landing / "acme" / "ad_costs_kwai.csv", "campaign_id;day;hour;spend;currency\n77;2026-05-01;3;1.234,5;brl\n")
    load_all(database_url, landing)
    assert _costs(connection) == [
        ("bing", "77", -1, Decimal(10)),
        ("google", "77", -1, Decimal(10)),
        ("kwai", "77", 3, Decimal("1234.5")),
    ]
    (reason,) = _reasons(connection)
    assert reason.startswith("source is missing; expected the platform in a column source, or in the file's name")


def test_every_bad_row_is_kept_with_its_reason(database_url: str, connection: Connection[Any], landing: Path) -> None:
    bad: dict[str, dict[str, object]] = {
        "campaign_id is missing; expected the platform's id of the campaign": {"campaign_id": " "},
        "currency is missing, and none is known of the account": {"currency": None},
        "currency 'BRX' is not an ISO 4217 code such as BRL": {"currency": "brx"},
        "spend is negative; expected 0 to 10^12": {"spend": -1},
        "spend 'much' is not a number": {"spend": "much"},
        "spend is NaN; expected a finite number": {"spend": "NaN"},
        "spend is missing": {"spend": None},
        "impressions is -5; expected a whole number from 0": {"impressions": -5},
        "clicks is 1.5; expected a whole number from 0": {"clicks": 1.5},
        "reach is 1e+30; expected a whole number from 0": {"reach": 1e30},
        "platform_conversions is -1; expected a number from 0 to 10^12": {"platform_conversions": -1},
        "hour '24' is not one of 0 to 23": {"hour": 24},
        "hour '-2' is not one of 0 to 23": {"hour": -2},
        "hour 'noon' is not one of 0 to 23": {"hour": "noon"},
        "day is missing; expected the account's day": {"day": None},
        "day 1999-12-31 is before the year 2000": {"day": "1999-12-31"},
        "day 2126-05-01 is more than a day ahead of the clock": {"day": "2126-05-01"},
        "stated_at 2126-05-01T00:00:00Z is more than 24 hours ahead": {"stated_at": "2126-05-01T00:00:00Z"},
        "tenant 'nobody' is not known": {"tenant": "nobody"},
        "the row is of '18-24', a part of a day or an hour": {"age": "18-24"},
    }
    write_jsonl(landing / "acme" / "ad_costs_meta.jsonl", *[{**_COST, **change} for change in bad.values()])
    (report,) = load_all(database_url, landing)
    assert counts(report) == (0, 0, len(bad))
    for found, expected in zip(_reasons(connection), bad, strict=True):
        assert found.startswith(expected), found


def test_a_row_without_a_currency_is_in_that_of_its_account(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    bare = {name: value for name, value in _COST.items() if name != "currency"}
    write_jsonl(
        landing / "acme" / "ad_costs_meta_1.jsonl", bare, {**_COST, "day": "2026-05-02"}, {**bare, "day": "2026-05-03"}
    )
    write_jsonl(landing / "acme" / "ad_accounts_google.jsonl", {"account_id": 1, "currency": "usd"})
    write_jsonl(landing / "globex" / "ad_accounts_meta.jsonl", {"account_id": 1, "currency": "EUR"})
    write_jsonl(landing / "acme" / "ad_costs_google.jsonl", bare)
    load_all(database_url, landing)
    columns = "source, day::text, currency"
    assert _costs(connection, columns) == [
        ("google", "2026-05-01", "USD"),
        ("meta", "2026-05-02", "BRL"),
        ("meta", "2026-05-03", "BRL"),
    ]
    load_all(database_url, landing)
    assert ("meta", "2026-05-01", "BRL") in _costs(connection, columns)
    assert _reasons(connection)[0].startswith("currency is missing, and none is known of the account; give one")


_STATED = ["2026-05-02T06:00:00Z", "2026-05-09T06:00:00Z", "2026-05-29T06:00:00Z"]


def _files(seed: int) -> list[list[dict[str, Any]]]:
    rng = random.Random(seed)
    return [
        [
            {
                **_COST,
                "campaign_id": rng.choice(["1", "2"]),
                "adset_id": rng.choice(["", "s"]),
                "day": rng.choice(["2026-05-01", "2026-05-02"]),
                "hour": rng.choice([None, None, 9]),
                "campaign_name": rng.choice(["A", "B"]),
                "spend": rng.choice(["1", "2", "1.0"]),
                "stated_at": stated,
            }
            for _ in range(40)
        ]
        for stated in _STATED * 2
    ]


def _everything(connection: Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    queries = {
        "statements": "SELECT source, campaign_id, adset_id, day, hour, campaign_name, spend, digest, first_stated_at,"
        " last_stated_at FROM trackai.ad_cost_statements ORDER BY digest, day",
        "costs": "SELECT source, campaign_id, adset_id, day, hour, campaign_name, spend FROM trackai.ad_costs"
        " ORDER BY 1, 2, 3, 4, 5",
        "counted": "SELECT campaign_id, day, hour, spend FROM trackai.v_counted_ad_costs ORDER BY 1, 2, 3, 4",
        "names": "SELECT campaign_id, name, first_stated_at FROM trackai.ad_campaign_names ORDER BY 1, 2",
        "campaigns": "SELECT campaign_id FROM trackai.campaigns ORDER BY 1",
    }
    return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def test_files_in_any_order_and_twice_give_the_same(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    files = _files(1)
    paths = [write_jsonl(landing / "acme" / f"ad_costs_meta_{n}.jsonl", *rows) for n, rows in enumerate(files)]
    results = []
    for seed in range(4):
        order = random.Random(seed).sample(paths, len(paths))
        for path in (*order, order[0]):
            load_all(database_url, landing, path)
        results.append(_everything(connection))
        connection.execute("TRUNCATE trackai.ad_cost_statements, trackai.ad_campaign_names")
        connection.execute("DELETE FROM trackai.campaigns")
    assert all(result == results[0] for result in results[1:])
    distinct = {
        tuple((k, Decimal(v) if k == "spend" else v) for k, v in row.items() if k != "stated_at")
        for rows in files
        for row in rows
    }
    assert len(results[0]["statements"]) == len(distinct)


def _load(url: str, landing: str, paths: Sequence[str]) -> None:
    load_paths(url, [Path(path) for path in paths], landing_dir=Path(landing), kinds=kinds_of(DOMAINS))


def test_two_processes_give_the_same(database_url: str, connection: Connection[Any], landing: Path) -> None:
    files = _files(2)
    paths = [
        str(write_jsonl(landing / "acme" / f"ad_costs_meta_{n}.jsonl", *rows * 30)) for n, rows in enumerate(files)
    ]
    _load(database_url, str(landing), paths)
    expected = _everything(connection)
    connection.execute("TRUNCATE trackai.ad_cost_statements, trackai.ad_campaign_names")
    connection.execute("DELETE FROM trackai.campaigns")
    spawn = get_context("spawn")
    running = [
        spawn.Process(target=_load, args=(database_url, str(landing), order))
        for order in (paths, list(reversed(paths)))
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0]
    assert _everything(connection) == expected


def test_restating_28_days_unchanged_adds_no_row(database_url: str, connection: Connection[Any], landing: Path) -> None:
    rows = [{**_COST, "day": f"2026-05-{day:02}", "spend": day} for day in range(1, 29)]
    first, again = ([{**row, "stated_at": stated} for row in rows] for stated in (_STATED[1], _STATED[2]))
    write_jsonl(landing / "acme" / "ad_costs_meta_1.jsonl", *first)
    load_all(database_url, landing)
    arrived = connection.execute("SELECT max(ingested_at) FROM trackai.ad_cost_statements").fetchone()
    write_jsonl(landing / "acme" / "ad_costs_meta_2.jsonl", *again)
    (report,) = load_paths(database_url, [landing / "acme" / "ad_costs_meta_2.jsonl"], landing_dir=landing, kinds=KINDS)
    assert counts(report) == (0, 28, 0)
    found = connection.execute(
        "SELECT count(*), min(first_stated_at), min(last_stated_at), min(ingested_at) > %s"
        " FROM trackai.ad_cost_statements",
        arrived,
    ).fetchone()
    assert found == (28, datetime.fromisoformat(_STATED[1]), datetime.fromisoformat(_STATED[2]), True)
    # A file that is older than all of it moves the first time, and the same again nothing.
    for moves in (True, False):
        before = connection.execute("SELECT max(ingested_at) FROM trackai.ad_cost_statements").fetchone()
        old = [{**row, "stated_at": _STATED[0]} for row in rows]
        load_all(database_url, landing, write_jsonl(landing / "acme" / "ad_costs_meta_3.jsonl", *old))
        row = connection.execute("SELECT min(ingested_at) > %s FROM trackai.ad_cost_statements", before).fetchone()
        assert row == (moves,)


def test_tenants_are_apart(database_url: str, connection: Connection[Any], landing: Path) -> None:
    for tenant, spend in (("acme", 1), ("globex", 2)):
        write_jsonl(landing / tenant / "ad_costs_meta.jsonl", {**_COST, "spend": spend})
    write_jsonl(landing / "acme" / "campaign_aliases.jsonl", {"alias": "77", "campaign_id": "spring"})
    load_all(database_url, landing)
    rows = connection.execute("SELECT tenant_id, campaign_id, spend FROM trackai.v_counted_ad_costs ORDER BY 1")
    assert rows.fetchall() == [("t-acme", "spring", Decimal(1)), ("t-globex", "77", Decimal(2))]
    campaigns = connection.execute("SELECT tenant_id, campaign_id FROM trackai.campaigns ORDER BY 1, 2").fetchall()
    assert campaigns == [("t-acme", "spring"), ("t-globex", "77")]


@pytest.mark.parametrize("seed", range(3))
def test_the_load_registers_what_costs_are_joined_to(
    database_url: str, connection: Connection[Any], landing: Path, seed: int
) -> None:
    rng = random.Random(seed)
    names = ["A", "B", "{{campaign.name}}", "", "(none)", "77", "78"]
    write_jsonl(landing / "acme" / "clicks.jsonl", *[{"utm_campaign": rng.choice(names)} for _ in range(2)])
    write_jsonl(landing / "acme" / "campaigns.jsonl", {"campaign_id": rng.choice(names) or "C"})
    write_jsonl(
        landing / "acme" / "campaign_aliases.jsonl",
        {"alias": rng.choice(["A", "77", "79"]), "campaign_id": "Z", "source": rng.choice(["", "meta", "google"])},
    )
    costs = [
        {**_COST, "campaign_id": rng.choice(["77", "78", "79"]), "campaign_name": rng.choice(names),
         "utm_campaign": rng.choice(["", "", *names]), "hour": hour}
        for hour in range(24)
    ]  # fmt: skip
    write_jsonl(landing / "acme" / "ad_costs_meta.jsonl", *costs)
    before = ("campaigns", "campaign_aliases", "clicks")
    load_all(database_url, landing, *(landing / "acme" / f"{name}.jsonl" for name in before))
    known = {name for (name,) in connection.execute("SELECT campaign_id FROM trackai.campaigns")}
    load_all(database_url, landing)
    joined = {name for (name,) in connection.execute("SELECT campaign_id FROM trackai.v_counted_ad_costs")}
    assert {name for (name,) in connection.execute("SELECT campaign_id FROM trackai.campaigns")} == known | joined
