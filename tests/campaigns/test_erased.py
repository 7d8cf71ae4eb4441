"""After a person was erased nothing links their other clicks to their sales, wherever these are, and all sums stay."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from campaigns.worlds import insert_world
from declared import LEAVING, TABLES
from lifecycle.old_rows import insert, midnight, set_policies
from psycopg import Connection, sql
from psycopg.rows import dict_row

from trackai_pipelines.campaigns.credit_models import MODELS
from trackai_pipelines.campaigns.days import compute_days, due_days
from trackai_pipelines.campaigns.reconcile_credit import verdict_on
from trackai_pipelines.customer_information.hashing import contact_key
from trackai_pipelines.database.partitions import detached_days
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase, find
from trackai_pipelines.lifecycle.retention.apply import apply_plan
from trackai_pipelines.lifecycle.retention.plan import Plan, plan_retention

DAY = timedelta(days=1)
TODAY = date(2026, 5, 20)
# In the archive, in the archive and still in the database next to its table, and in the tables.
DROPPED, DETACHED, HERE = TODAY - 60 * DAY, TODAY - 45 * DAY, TODAY - 10 * DAY
SOLD = {1: DROPPED, 2: DETACHED, 3: HERE}
ANN, BOB = (sha256(text.encode()).hexdigest() for text in ("ann@example.com", "bob@example.com"))
ONE = dict.fromkeys((f"credit_{model}" for model in MODELS), 1)


def clock(day: date = TODAY) -> Callable[[], datetime]:
    return lambda: midnight(day) + timedelta(hours=3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


@pytest.fixture
def tenant(connection: Connection[Any], database_url: str, store: Store, add_tenant: Callable[..., str]) -> str:
    """Ann (1 to 3) and Bob (11 to 13) buy on each day after three clicks; the oldest days leave after that."""
    acme = add_tenant("acme", lookback_days=10)
    connection.execute("UPDATE trackai.tenants SET buyer_memory_days = 365")
    insert(connection, "users", {"tenant_id": acme, "id": "u-ann", "email_hash": ANN})
    for user, digest in (("u-ann", ANN), ("u-bob", BOB)):
        row = {"tenant_id": acme, "user_id": user, "segment_name": "loyal", "valid_from": midnight(DROPPED - DAY)}
        insert(connection, "user_segments", row)
        for number, day in SOLD.items():
            _buy(connection, acme, number + (10 if digest == BOB else 0), day, digest)
    connection.execute("DELETE FROM trackai.match_queue")
    connection.execute("UPDATE trackai.clicks SET ingested_at = created_at")
    connection.execute("UPDATE trackai.matched_attributions SET matched_at = '2026-05-01'")
    _compute(connection, [*SOLD.values()])
    policies = [{"table_name": table, "keep": 50 * DAY, "grace": timedelta(0)}
                for table in ("conversion_touchpoints", "conversion_journeys")]  # fmt: skip
    set_policies(connection, *policies)
    for _ in range(2):
        assert _retain(connection, database_url, store).of("failed", "blocked") == []
    set_policies(connection, *({**policy, "keep": 40 * DAY, "grace": 30 * DAY} for policy in policies))
    assert _retain(connection, database_url, store).of("failed", "blocked") == []
    assert detached_days(connection, "conversion_touchpoints") == [DETACHED]
    assert {(file.table_name, file.day, file.state) for file in archives(connection)} == {
        (table, day, state)
        for table in ("conversion_touchpoints", "conversion_journeys")
        for day, state in ((DROPPED, "dropped"), (DETACHED, "verified"))
    }
    return acme


def _buy(connection: Connection[Any], tenant: str, sale: int, day: date, digest: str) -> None:
    at = midnight(day) + timedelta(hours=12)
    clicks = [
        {"id": 100 * sale + place, "created_at": at - (4 - place) * DAY, "fbp": f"fb.1.1700000000000.{sale}777",
         "fbc": f"fb.1.1700000000000.Key{sale}{place}", "utm_campaign": f"c{place}"}
        for place in (1, 2, 3)
    ]  # fmt: skip
    key = clicks[1]["fbc"]
    insert_world(
        connection,
        tenant,
        clicks=clicks,
        conversions=[{"id": sale, "occurred_at": at, "fbc": key, "customer_email_hash": digest}],
        attributions=[{"conversion_id": sale, "click_id": clicks[1]["id"]}],
    )


def _compute(connection: Connection[Any], days: list[date], *, due: bool = False, at: date = TODAY) -> set[date]:
    return {computed.day for computed in compute_days(connection, days, due=due, clock=clock(at))}


def _retain(connection: Connection[Any], url: str, store: Store) -> Plan:
    plan = plan_retention(connection, TABLES, today=TODAY, dry_run=False, clock=clock())
    return apply_plan(connection, url, store, TABLES, plan, clock=clock())


def _rows(connection: Connection[Any], relation: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("trackai", relation))).fetchall()


def _everywhere(connection: Connection[Any], store: Store, table: str) -> list[dict[str, Any]]:
    """The table's rows in the database, next to it, and in files."""
    relations = [table, *(f"{table}_{day:%Y%m%d}" for day in detached_days(connection, table))]
    found = [row for relation in relations for row in _rows(connection, relation)]
    for path in Path(store.root, table).rglob("*.parquet"):
        found += pq.read_table(path).to_pylist()
    return found


def _require_whole(connection: Connection[Any]) -> None:
    found = verdict_on(connection, HERE, HERE)
    assert (found.sales, found.faults) == (2, [])


def _sums(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT date, model, currency, sum(conversions), sum(revenue) FROM trackai.campaign_credit_daily"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()


def _of_bob(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row) for row in rows if row["conversion_id"] > 10)


def test_journeys_shrink_to_the_matched_click_wherever_they_are(
    connection: Connection[Any], database_url: str, store: Store, tenant: str
) -> None:
    touches = _everywhere(connection, store, "conversion_touchpoints")
    journeys = _everywhere(connection, store, "conversion_journeys")
    # The day that waits to be dropped is in both places.
    assert len([row for row in touches if row["conversion_id"] < 10]) == 12
    sums = _sums(connection)
    assert erase(connection, store, DOMAINS, tenant, email_hash=ANN, clock=clock()).tables == {
        "users": 1, "user_segments": 1, "conversion_touchpoints": 12, "conversion_journeys": 4, "buyers": 1
    }  # fmt: skip
    left = _everywhere(connection, store, "conversion_touchpoints")
    hers = [row for row in left if row["conversion_id"] < 10]
    assert sorted((row["conversion_id"], row["position"], row["click_id"], row["via"]) for row in hers) == [
        (1, 1, 102, "matched"), (2, 1, 202, "matched"), (2, 1, 202, "matched"), (3, 1, 302, "matched")
    ]  # fmt: skip
    assert all(row | ONE == row for row in hers)
    one = {"touches": 1, "shared_keys": 0, "truncated": False, "training_id": None}
    shrunk = [row for row in _everywhere(connection, store, "conversion_journeys") if row["conversion_id"] < 10]
    assert len(shrunk) == 4
    assert all(row | one == row for row in shrunk)
    # Others are as they were, and files hold together: days come back.
    assert _of_bob(left) == _of_bob(touches)
    assert _of_bob(_everywhere(connection, store, "conversion_journeys")) == _of_bob(journeys)
    assert {(file.day, file.rows) for file in archives(connection, "conversion_touchpoints")} == {
        (DROPPED, 4), (DETACHED, 4)
    }  # fmt: skip
    for table in ("conversion_touchpoints", "conversion_journeys"):
        for day in (DROPPED, DETACHED):
            restore_day(connection, database_url, store, LEAVING[table], day, keep=DAY)
    assert _sums(connection) == sums
    assert find(connection, store, DOMAINS, tenant, email_hash=ANN).nothing


def test_nothing_tells_who_bought(connection: Connection[Any], store: Store, tenant: str) -> None:
    keys = {contact_key(tenant, digest): digest for digest in (ANN, BOB)}
    assert connection.execute("SELECT trackai.buyer_key(%s, %s)", [tenant, ANN]).fetchone() == (
        next(key for key, digest in keys.items() if digest == ANN),
    )
    before = _rows(connection, "buyers")
    assert {row["buyer_key"] for row in before} == set(keys)
    sales = _rows(connection, "conversion_buyers")
    erase(connection, store, DOMAINS, tenant, email_hash=ANN, clock=clock())
    assert {row["buyer_key"] for row in _rows(connection, "buyers")} == {contact_key(tenant, BOB), None}
    assert [row["user_id"] for row in _rows(connection, "user_segments")] == ["u-bob"]
    # The same numbers as ever.
    _compute(connection, [HERE], at=TODAY + DAY)
    assert sorted(map(str, _rows(connection, "conversion_buyers"))) == sorted(map(str, sales))
    assert {row["buyer_key"] for row in _rows(connection, "buyers")} == {contact_key(tenant, BOB), None}


def test_a_buyer_is_forgotten_though_the_sales_have_no_hash_any_more(
    connection: Connection[Any], store: Store, tenant: str
) -> None:
    connection.execute("UPDATE trackai.conversions SET customer_email_hash = NULL, anonymised_at = now()")
    connection.execute("DELETE FROM trackai.users")
    done = erase(connection, store, DOMAINS, tenant, email_hash=ANN, clock=clock())
    assert (done.conversions, done.tables) == (0, {"buyers": 1})
    assert {row["buyer_key"] for row in _rows(connection, "buyers")} == {contact_key(tenant, BOB), None}


def test_the_days_are_due_again_and_their_sums_stay(connection: Connection[Any], store: Store, tenant: str) -> None:
    _compute(connection, [], due=True)
    assert due_days(connection, clock()()) == []
    sums = _sums(connection)
    erase(connection, store, DOMAINS, tenant, email_hash=ANN, clock=clock())
    # Of the day whose touches have left only costs are renewed.
    again = [(due.day, due.why) for due in due_days(connection, clock()())]
    assert again == [(day, ("a person was erased",)) for day in (DETACHED, HERE)]
    _require_whole(connection)
    assert HERE in _compute(connection, [], due=True, at=TODAY + DAY)
    _require_whole(connection)
    assert due_days(connection, clock(TODAY + DAY)()) == []
    hers = [row for row in _rows(connection, "conversion_touchpoints") if row["conversion_id"] == 3]
    assert [row["click_id"] for row in hers] == [302], "a run does not find the other clicks again"
    assert _sums(connection) == sums
    shares = connection.execute(
        "SELECT campaign_id, sum(conversions) FROM trackai.campaign_credit_daily"
        " WHERE model = 'linear' AND date = %s GROUP BY 1 ORDER BY 1",
        [HERE],
    ).fetchall()
    third = [round(float(share), 3) for _, share in shares]
    assert (shares[0][0], third) == ("c1", [0.333, 1.333, 0.333])
