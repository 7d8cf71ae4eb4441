"""Every payment of a random world of gateways' events becomes exactly the sales and refunds of its life.

The lives are those that the gateways document: reported before they are paid, by several events of one sale, renewed,
given back in part or whole, charged back, tried out, moved between accounts. Their documents arrive in any order,
redelivered or lost, in several files and loads; the oracle counts lives and never reads a document.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from facts.gateway_worlds.world import (
    GATEWAYS,
    LOADS,
    TENANTS,
    TRYING,
    File,
    Key,
    RefundRow,
    SaleRow,
    Truth,
    files_of,
    truth_of,
    worlds,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.landing_zone import checksum, load_all
from psycopg import Connection

from trackai_pipelines.facts.gateways import READERS
from trackai_pipelines.facts.refunds import wrong_refund_links
from trackai_pipelines.ingest.load import FileReport

# Few gateways a world, so that their payments meet in files. Stripe, which has most ways to tell of one, is in each.
_OTHERS = sorted(GATEWAYS.keys() - {"stripe"})
_PARTS = [["stripe", *_OTHERS[part::4]] for part in range(4)]
_TABLES = ("conversions", "refunds", "ingest_rejects", "sale_names")


def test_every_gateway_has_lives() -> None:
    assert GATEWAYS.keys() == READERS.keys()


def _of_examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.mark.slow
@pytest.mark.parametrize("gateways", _PARTS, ids="-".join)
@_of_examples(8)
@given(data=st.data())
def test_every_payment_of_a_world_is_the_sales_of_its_life(
    database_url: str, connection: Connection[Any], landing: Path, gateways: list[str], data: st.DataObject
) -> None:
    files = files_of(data.draw(worlds(gateways, most=60)))
    paths = _written(connection, landing, files)
    reports: list[FileReport] = []
    for load in range(LOADS):
        arriving = [paths[file.source] for file in files if file.load == load]
        if arriving:
            reports += load_all(database_url, landing, *arriving)
    truth = truth_of(files)
    aside = _compare(connection, truth)
    totals = Counter[str]()
    for report in reports:
        totals += Counter(accepted=report.accepted, duplicates=report.duplicates, rejected=report.rejected)
    new = len(truth.sales) + len(truth.refunds)
    assert totals == Counter(accepted=new, duplicates=truth.rows - new - aside, rejected=truth.refused + aside)
    assert sorted(report.source for report in reports) == sorted(paths)
    before = [checksum(connection, table) for table in _TABLES]
    again = load_all(database_url, landing)
    assert sum(report.accepted for report in again) == 0
    assert [checksum(connection, table) for table in _TABLES] == before


@pytest.mark.slow
@pytest.mark.parametrize("gateways", _PARTS, ids="-".join)
@_of_examples(4)
@given(data=st.data())
def test_a_world_that_arrives_at_once_is_the_same_sales(
    database_url: str, connection: Connection[Any], landing: Path, gateways: list[str], data: st.DataObject
) -> None:
    files = files_of(data.draw(worlds(gateways, most=60)))
    paths = list(_written(connection, landing, files).values())
    truth = truth_of(files, at_once=True)

    def load_some(seed: int) -> int:
        arriving = random.Random(seed).sample(paths, len(paths))
        # Each a load of its own, or it would be sorted.
        return sum(report.accepted for path in arriving for report in load_all(database_url, landing, path))

    with ThreadPoolExecutor(3) as threads:
        accepted = sum(threads.map(load_some, range(3)))
    assert accepted == len(truth.sales) + len(truth.refunds)
    _compare(connection, truth)


def _written(connection: Connection[Any], landing: Path, files: list[File]) -> dict[str, Path]:
    """Empty the database and the landing folder and write the files; return their paths by source."""
    _clear(connection, landing)
    return {file.source: file.write(landing) for file in files}


def _compare(connection: Connection[Any], truth: Truth) -> int:
    """Compare the database with the truth; return how many events were set aside because another one counts."""
    counted = _compare_sales(connection, truth)
    _compare_refunds(connection, truth, counted)
    assert wrong_refund_links(connection) == 0
    aside = [at for at, key, event_id in truth.sold if counted[key] != event_id]
    _compare_reasons(connection, truth, aside)
    return len(aside)


def _clear(connection: Connection[Any], landing: Path) -> None:
    connection.execute(
        "TRUNCATE trackai.conversions, trackai.refunds, trackai.sale_names, trackai.ingest_rejects, "
        "trackai.ingest_files CASCADE"
    )
    connection.execute("UPDATE trackai.tenants SET take_test_payments = slug = %s", [TRYING])
    for tenant in TENANTS:
        for path in (landing / tenant).rglob("*.*"):
            path.unlink()


def _compare_sales(connection: Connection[Any], truth: Truth) -> dict[Key, str]:
    """Compare the conversions with the sales; return the event that counts of each sale."""
    rows = connection.execute(
        "SELECT t.slug, c.gateway, c.gateway_event_id, c.value, c.currency, c.occurred_at, c.action_source, "
        "c.sale_key, c.event_name FROM trackai.conversions c JOIN trackai.tenants t ON t.id = c.tenant_id"
    ).fetchall()
    found = {(row[0], row[1], SaleRow(*row[2:7])) for row in rows}
    counted: dict[Key, str] = {}
    wrong = []
    for key in truth.sales:
        candidates = {(*key[:2], row) for row in truth.candidates(key)}
        hits = candidates & found
        if len(hits) != 1:
            wrong.append((key, candidates))
        for hit in hits:
            counted[key] = hit[2].event_id
            found.remove(hit)
    assert (wrong, found) == ([], set())
    assert len(rows) == len(truth.sales)
    assert {row[8] for row in rows} <= {"Purchase"}
    for tenant, gateway, event_id, *_, sale_key, _ in rows:
        # What a gateway knows a sale by is a name of it.
        assert counted[truth.names[tenant, gateway, sale_key or event_id]] == event_id
    return counted


def _compare_refunds(connection: Connection[Any], truth: Truth, counted: dict[Key, str]) -> None:
    rows = connection.execute(
        "SELECT t.slug, r.gateway, r.gateway_event_id, r.value, r.currency, r.occurred_at, r.kind, c.gateway_event_id "
        "FROM trackai.refunds r JOIN trackai.tenants t ON t.id = r.tenant_id "
        "LEFT JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id"
    ).fetchall()
    found = {(tenant, gateway, event_id): RefundRow(*row) for tenant, gateway, event_id, *row in rows}
    assert found.keys() == truth.refunds.keys()
    assert {key: row for key, row in found.items() if row not in truth.refund(key, counted)} == {}


def _compare_reasons(connection: Connection[Any], truth: Truth, aside: list[tuple[str, int]]) -> None:
    """Compare why documents, or something in them, were kept aside."""
    reasons = {at: set(of) for at, of in truth.reasons.items()}
    for at in aside:
        reasons.setdefault(at, set()).add("the sale ")
    rows = connection.execute("SELECT source, line, reason FROM trackai.ingest_rejects ORDER BY 1, 2").fetchall()
    wrong = [
        (source, line, reason, reasons.get((source, line)))
        for source, line, reason in rows
        if not any(reason.startswith(beginning) for beginning in reasons.get((source, line), ()))
    ]
    assert wrong == []
    assert [(source, line) for source, line, _ in rows] == sorted(reasons)
