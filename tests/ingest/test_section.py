"""Input in the report, against a real database."""

from datetime import date
from pathlib import Path
from typing import Any

from psycopg import Connection
from report.pages import JUNE, NASTY, Page, write

from trackai_pipelines.domain import Period
from trackai_pipelines.ingest.section import (
    IngestTotals,
    RejectReason,
    data,
    ingest_totals,
    rejects_by_reason,
    section,
    values_left_out,
)

NO_INPUT = IngestTotals(files=0, accepted=0, duplicates=0, rejected=0, noted=0)


def test_rejects_by_reason_and_ingest_totals(connection: Connection[Any]) -> None:
    assert ingest_totals(connection, JUNE) == NO_INPUT
    assert rejects_by_reason(connection, JUNE) == []
    rejects = [("f1", 1, "bad value"), ("f1", 2, "bad value"), ("f2", 9, "bad value"), ("f1", 3, "not a paid sale")]
    for source, line, reason in rejects:
        connection.execute(
            "INSERT INTO trackai.ingest_rejects (source, line, reason, digest, created_at)"
            " VALUES (%s, %s, %s, '', '2025-06-30 23:59:59+00')",
            [source, line, reason],
        )
    for source, note in (("f1", None), ("f2", "the file is cut off")):
        connection.execute(
            "INSERT INTO trackai.ingest_files (source, fingerprint, accepted, duplicates, rejected, note, loaded_at)"
            " VALUES (%s, '', 10, 2, 2, %s, '2025-06-01 00:00:00+00')",
            [source, note],
        )
    assert rejects_by_reason(connection, JUNE) == [
        RejectReason(reason="bad value", lines=3, files=2, example="f1:1"),
        RejectReason(reason="not a paid sale", lines=1, files=1, example="f1:3"),
    ]
    assert len(rejects_by_reason(connection, JUNE, most=1)) == 1
    assert ingest_totals(connection, JUNE) == IngestTotals(files=2, accepted=20, duplicates=4, rejected=4, noted=1)
    july = Period(date(2025, 7, 1), date(2025, 7, 31))
    may = Period(date(2025, 5, 1), date(2025, 5, 31))
    assert [rejects_by_reason(connection, other) for other in (may, july)] == [[], []]
    assert [ingest_totals(connection, other) for other in (may, july)] == [NO_INPUT, NO_INPUT]


def test_values_left_out(connection: Connection[Any], tmp_path: Path) -> None:
    files = {"f1": '{"ip": {"x": 2, "<b>": 1}}', "f2": '{"ip": {"x": 3}, "zip": {"y": 1}}', "f3": "{}"}
    for source, left_out in files.items():
        connection.execute(
            "INSERT INTO trackai.ingest_files"
            " (source, fingerprint, accepted, duplicates, rejected, left_out, loaded_at)"
            " VALUES (%s, '', 1, 0, 0, %s, '2025-06-01 00:00:00+00')",
            [source, left_out],
        )
    found = values_left_out(connection, JUNE)
    assert [(value.column_name, value.reason, value.count, value.files) for value in found] == [
        ("ip", "x", 5, 2),
        ("ip", "<b>", 1, 1),
        ("zip", "y", 1, 1),
    ]
    assert values_left_out(connection, Period(date(2025, 5, 1), date(2025, 5, 31))) == []
    page = Page(write(connection, tmp_path / "report.html", (section(), data(connection, JUNE))))
    assert {"Values that were left out of rows that were taken", "<b>"} <= set(page.texts)


def test_reasons_and_examples_are_shown_and_escaped(connection: Connection[Any], tmp_path: Path) -> None:
    given = {
        "ingest": IngestTotals(files=2, accepted=20_000, duplicates=4, rejected=1234, noted=1),
        "rejects": [
            RejectReason(reason="bad value", lines=1234, files=2, example="f1:1"),
            RejectReason(reason=NASTY, lines=1, files=1, example=NASTY),
        ],
        "left_out": [],
        "of_all": False,
    }
    page = Page(write(connection, tmp_path / "report.html", (section(), given)))
    assert {"20,000", "1,234", "bad value", "f1:1"} <= set(page.texts)
    assert page.texts.count(NASTY) == 2
    assert not list(page.all("script"))


def test_without_input_it_says_so_and_a_tenants_report_says_whose_it_is(
    connection: Connection[Any], tmp_path: Path
) -> None:
    of_tenant = Period(JUNE.first, JUNE.last, tenant="acme")
    page = Page(write(connection, tmp_path / "report.html", (section(), data(connection, of_tenant))))
    assert "Nothing was set aside." in page.texts
    assert any("of all tenants" in text for text in page.texts)
