"""Files of creators, reports, videos and adjustments: what is loaded, what is refused, and loading again."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import counts, load_all, write, write_jsonl
from loyalty.sources import NOW, add_creator, add_report, found_program, net, post_once
from psycopg import Connection

from trackai_pipelines.loyalty.retiring import retire_reports

HEADER = "Handle,Video,Views,Likes,Comments,GMV,CTR,Units Sold,Post Date,Video Title\n"
URL = "https://www.tiktok.com/@ana/video/"
DAY = date(2026, 3, 2)


@pytest.fixture
def tenant(connection: Connection[Any], landing: Path) -> str:
    """acme, with a program and the creator c1, whose handle is ana."""
    found_program(connection, "t-acme", valid_from=date(2025, 1, 1), auto_enrol=True)
    add_creator(connection, "t-acme", "c1", tiktok="ana")
    return "t-acme"


def _reasons(connection: Connection[Any]) -> list[str]:
    rows = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY source, line, reason").fetchall()
    return [reason for (reason,) in rows]


def _sync(landing: Path, day: str, *lines: str, written: datetime = NOW, name: str = "videos_") -> Path:
    path = write(
        landing / "acme" / "sync" / "cruva" / f"{name}{day}.csv", HEADER + "".join(f"{line}\n" for line in lines)
    )
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def test_a_sync_of_videos_becomes_reports_videos_and_entries(
    database_url: str, connection: Connection[Any], landing: Path, tenant: str
) -> None:
    _sync(
        landing,
        "2026-03-02",
        f'@Ana,{URL}7301,"1,200",30,4,"$1,234.50",2.5%,12,2026-02-27,"Look, a video"',
        "new.one,https://elsewhere.example/v/abc,10,0,0,$5.00,,1,2026-03-01,",
        "ana,,1,1,1,$1.00,,1,2026-03-01,no video",
        ",7302,1,1,1,$1.00,,1,2026-03-01,no handle",
        "ana,7303,1,1,1,,,,2026-03-01,no figure",
    )
    (report,) = load_all(database_url, landing)
    assert (counts(report), report.note) == ((2, 0, 3), None)
    (again,) = load_all(database_url, landing)
    assert counts(again) == (0, 2, 3)
    reports = connection.execute(
        "SELECT source, item, handle, user_id, basis, report_day, post_date, amount, units, currency, file, line "
        "FROM trackai.sales_reports ORDER BY line"
    ).fetchall()
    path = "acme/sync/cruva/videos_2026-03-02.csv"
    hashed = "95b1ddff9ed63c0d6b0d86bfd0b2f29a"
    assert reports[0] == (
        *("cruva", "7301", "ana", "c1", "cumulative", DAY, date(2026, 2, 27), Decimal("1234.5"), 12, "USD", path, 2),
    )
    assert reports[1][2:4] == ("new.one", None)
    assert len(reports[1][1]) == len(hashed)
    videos = connection.execute(
        "SELECT video_id, post_date, video_url, video_title, user_id, views, likes, comments, gmv, ctr, units_sold "
        "FROM trackai.videos ORDER BY views DESC"
    ).fetchall()
    assert videos[0] == (
        *("7301", date(2026, 2, 27), f"{URL}7301", "Look, a video", "c1"),
        *(1200, 30, 4, Decimal("1234.5"), Decimal("2.5"), 12),
    )
    sync = "SELECT lines, unchanged, unassigned, amount, units FROM trackai.sales_sync_days"
    assert connection.execute(sync).fetchall() == [(2, 0, 1, Decimal("1239.5"), 13)]
    post_once(connection, tenant)
    assert net(connection, tenant) == {
        ("c1", DAY, "csv"): (Decimal("1234.5"), 12),
        ("tiktok:new.one", DAY, "csv"): (5, 1),
    }
    assert connection.execute(sync).fetchall() == [(2, 0, 0, Decimal("1239.5"), 13)]
    assert connection.execute("SELECT user_id FROM trackai.videos ORDER BY views").fetchall() == [
        ("tiktok:new.one",),
        ("c1",),
    ]


def test_the_first_day_of_a_video_stays_and_the_newest_figures_count(
    database_url: str, connection: Connection[Any], landing: Path, tenant: str
) -> None:
    figures = (
        ("2026-03-02", "100", "2025-12-31", 0),
        ("2026-03-04", "150", "2026-01-01", 2),
        ("2026-03-03", "120", "2025-12-31", 1),
    )
    for number, (day, gmv, posted, _) in enumerate(figures):
        _sync(landing, day, f"ana,{URL}7,{gmv},0,0,{gmv},,{number},{posted},t", written=NOW + timedelta(minutes=number))
        load_all(database_url, landing)
    videos = connection.execute("SELECT post_date, views, gmv, report_day FROM trackai.videos").fetchall()
    assert videos == [(date(2025, 12, 31), 150, 150, date(2026, 3, 4))]
    post_once(connection, tenant)
    sold = {day: amount for (_, day, _), (amount, _) in net(connection, tenant).items()}
    assert sold == {DAY: 100, date(2026, 3, 3): 20, date(2026, 3, 4): 30}


def test_a_file_that_says_a_day_again_is_its_newest_delivery(
    database_url: str, connection: Connection[Any], landing: Path, tenant: str
) -> None:
    _sync(landing, "2026-03-01", *(f"ana,{number},0,0,0,{number},,1,2026-03-01,t" for number in range(1, 4)))
    _sync(landing, "2026-03-02", *(f"ana,{number},0,0,0,{number},,1,2026-03-01,t" for number in range(1, 5)))
    later = NOW + timedelta(hours=1)
    _sync(landing, "2026-03-02", "ana,1,0,0,0,9,,1,2026-03-01,t", written=later, name="videos_again_")
    load_all(database_url, landing)
    rows = connection.execute("SELECT report_day, lines, unchanged, amount FROM trackai.sales_sync_days ORDER BY 1")
    assert rows.fetchall() == [(date(2026, 3, 1), 3, 0, 6), (DAY, 1, 0, 9)]
    post_once(connection, tenant)
    # What the later file leaves out stays as the earlier one said.
    assert net(connection, tenant) == {("c1", date(2026, 3, 1), "csv"): (6, 3), ("c1", DAY, "csv"): (12, 1)}


def test_reports_and_what_is_refused_of_them(
    database_url: str, connection: Connection[Any], landing: Path, tenant: str
) -> None:
    report = {"source": "cruva", "item": "v1", "handle": "@Ana", "report_day": "2026-03-02", "post_date": "2026-03-01"}
    said = {"as_of": "2026-03-03T03:00:00Z", "amount": "10", "units": 1}
    tomorrow = (datetime.now(UTC).date() + timedelta(days=3)).isoformat()
    write_jsonl(
        landing / "acme" / "sales_reports_1.jsonl",
        {**report, **said},
        {**report, **said},
        {**report, **said, "amount": "11"},
        {**report, **said, "basis": "daily", "report_day": "2026-03-03"},
        {**report, **said, "currency": "EUR", "report_day": "2026-03-03"},
        {**report, **said, "item": "@Ana", "handle": None, "amount": "-3.25", "units": -1, "basis": "daily"},
        {**report, **said, "handle": " @ ", "item": "v2"},
        {**report, **said, "report_day": None},
        {**report, **said, "report_day": tomorrow},
        {**report, **said, "amount": "1000000000001"},
        {**report, **said, "currency": "XYZ"},
        {**report, **said, "amount": None, "units": None},
        {**report, **said, "units": "1.5"},
        {**report, **said, "basis": "weekly"},
        {**report, **said, "source": None},
    )
    (first,) = load_all(database_url, landing)
    assert first.accepted == 2
    assert _reasons(connection) == [
        "another figure of this item and day is there with the same as_of",
        "the item is reported as cumulative; it cannot change its basis",
        "the item is reported in USD; it cannot change its currency",
        "handle is missing; expected the creator's, such as @ana",
        "report_day is missing; expected a day in the row, in the file's name (videos_2025-01-25.csv), or with --day",
        f"report_day {tomorrow} is after tomorrow",
        "amount is above 10^12; expected 0 to 10^12",
        "currency 'XYZ' is not an ISO 4217 code such as BRL",
        "amount and units are missing; a zero must be written",
        "units is 1.5; expected a whole number",
        "basis 'weekly' is not one of cumulative, daily",
        "source is missing; expected the sync in a column source, or a folder sync/<its name>",
    ]
    # Against what is there now.
    write_jsonl(
        landing / "acme" / "sales_reports_2.jsonl",
        {**report, **said, "basis": "daily", "report_day": "2026-03-03"},
        {**report, **said, "currency": "EUR", "report_day": "2026-03-03"},
        {**report, **said, "amount": "12"},
    )
    load_all(database_url, landing, landing / "acme" / "sales_reports_2.jsonl")
    assert _reasons(connection)[-3:] == [
        "the item is reported as cumulative; it cannot change its basis",
        "the item is reported in USD; it cannot change its currency",
        "another figure of this item and day is there with the same as_of",
    ]
    post_once(connection, tenant)
    assert net(connection, tenant) == {("c1", DAY, "csv"): (Decimal("6.75"), 0)}


def test_creators_and_adjustments(database_url: str, connection: Connection[Any], landing: Path, tenant: str) -> None:
    folder = landing / "acme"
    write_jsonl(
        folder / "creators.jsonl",
        {"user_id": "c2", "alias": " C2 ", "valid_from": "2026-01-01", "enrolled_on": "2026-01-05"},
        {"user_id": "c2", "kind": "tiktok", "alias": "@Bia", "valid_from": "2026-01-01"},
        {"user_id": "c3", "enrolled_on": "2026-01-01"},
        {"user_id": "c4", "alias": "C4"},
        {"user_id": "", "alias": "C4", "valid_from": "2026-01-01"},
        {"user_id": "c4", "valid_from": "2026-01-01"},
        {"user_id": "c4", "kind": "email", "alias": "C4", "valid_from": "2026-01-01"},
    )
    write_jsonl(
        folder / "sales_adjustments.jsonl",
        {"external_id": "a1", "user_id": "c2", "amount": "-5", "reason": "returned", "effective_on": "2026-01-07"},
        {"external_id": "a1", "user_id": "c2", "amount": "-9", "reason": "returned", "effective_on": "2026-01-07"},
        {
            "user_id": "c3",
            "amount_units": 2,
            "reason": "fair",
            "adjustment_type": "manual_sale",
            "effective_on": "2026-01-08",
        },
        {"user_id": "c3", "amount": "1", "reason": " ", "effective_on": "2026-01-08"},
        {"user_id": "nobody", "amount": "1", "reason": "r"},
        {"user_id": "c3", "amount": "0", "reason": "r"},
        {"user_id": "c3", "amount": "1", "reason": "r", "adjustment_type": "gift"},
    )
    created, adjusted = load_all(database_url, landing)
    assert (counts(created)[2], counts(adjusted)) == (4, (2, 1, 4))
    aliases = connection.execute(
        "SELECT kind, alias, user_id FROM trackai.creator_aliases WHERE user_id <> 'c1' ORDER BY 1"
    ).fetchall()
    assert aliases == [("link", "C2", "c2"), ("tiktok", "bia", "c2")]
    members = connection.execute("SELECT user_id, enrolled_on FROM trackai.loyalty_members ORDER BY 1").fetchall()
    assert members[1:] == [("c2", date(2026, 1, 5)), ("c3", date(2026, 1, 1))]
    post_once(connection, tenant)
    there = {("c2", date(2026, 1, 7), "adjustment"): (-5, 0), ("c3", date(2026, 1, 8), "adjustment"): (0, 2)}
    assert net(connection, tenant) == there
    load_all(database_url, landing)
    assert (post_once(connection, tenant).entries, net(connection, tenant)) == (0, there)
    # A later file gives the handle to somebody else; the earlier one, loaded again, does not take it back.
    later = write_jsonl(
        folder / "creators_2.jsonl", {"user_id": "c3", "kind": "tiktok", "alias": "bia", "valid_from": "2026-01-01"}
    )
    stamp = datetime.now(UTC).timestamp() - 5
    os.utime(folder / "creators.jsonl", (stamp, stamp))
    load_all(database_url, landing, later)
    load_all(database_url, landing, folder / "creators.jsonl")
    bia = connection.execute("SELECT user_id FROM trackai.creator_aliases WHERE alias = 'bia'").fetchall()
    assert bia == [("c3",)]


def test_a_days_reports_that_began_to_leave_are_final(
    database_url: str, connection: Connection[Any], landing: Path, tenant: str
) -> None:
    add_report(connection, tenant, "v1", date(2026, 2, 28), 10, handle="ana")
    add_report(connection, tenant, "v1", date(2026, 3, 1), 10, handle="ana")
    assert retire_reports(connection, tenant, DAY) == 2
    report = {"source": "cruva", "item": "v2", "handle": "ana", "amount": "10", "units": 1}
    write_jsonl(
        landing / "acme" / "sales_reports.jsonl",
        {**report, "report_day": "2026-03-01"},
        {**report, "report_day": "2026-03-02"},
    )
    (done,) = load_all(database_url, landing)
    assert done.accepted == 1
    assert _reasons(connection) == ["days up to 2026-03-01 are final: their reports have begun to leave"]
