"""Random sales and refunds, in any order, redelivered, split into files and partly inserted by plain SQL.

Every refund ends with the sale that the rule gives, and every day with the net value that follows.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from facts.test_refunds import Links, links, refund_record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.landing_zone import load_all, sale_record, write_jsonl
from psycopg import Connection, sql

from trackai_pipelines.domain import StoryPart
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts.links import refresh
from trackai_pipelines.facts.refunds import unlinked_refunds, wrong_refund_links
from trackai_pipelines.facts.story import story
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.match_rates.aggregate import aggregate_days, days_to_net

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = (date(2026, 3, 1), date(2026, 3, 2))
Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A sale or a refund, and how it arrives."""

    is_sale: bool
    record: dict[str, Any]
    file: int
    """Files are loaded in this order; -1: inserted by plain SQL once all are."""
    times: int

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.record["gateway"], self.record["gateway_event_id"]


few = st.sampled_from
# Few names, so that sales and refunds meet; orders that are another sale's key, too.
orders, keys = few(("o1", "o2", "k1")), few(("k1", "k2", None))
arrivals = {"file": st.integers(-1, 2), "times": st.integers(1, 2)}


@st.composite
def sale_rows(draw: st.DrawFn, number: int) -> Row:
    record = sale_record(
        number,
        gateway=draw(few(("stripe", "paypal"))),
        order_id=draw(orders | st.none()),
        # One sale, one row: a second with its key is not stored.
        sale_key=draw(st.none() | few((f"s{number}", f"k{number}"))),
        value=str(draw(st.decimals(0, 100, places=2))),
        currency=draw(few(("BRL", "USD"))),
        occurred_at=f"2026-03-0{draw(st.integers(1, 2))}T12:00:00Z",
    )
    return Row(True, record, **{name: draw(value) for name, value in arrivals.items()})


@st.composite
def refund_rows(draw: st.DrawFn, number: int) -> Row:
    named = {
        "original_event_id": draw(few(("evt_0", "evt_1", "evt_9", None))),
        "sale_key": draw(few(("s0", "k1", "k2", "s9", None))),
        "order_id": draw(orders),
    }
    record = refund_record(
        number,
        gateway=draw(few(("stripe", "paypal"))),
        value=str(draw(st.decimals("0.01", 80, places=2))),
        currency=draw(few(("BRL", "BRL", "USD"))),
        kind=draw(few(("refund", "chargeback"))),
        **named,
    )
    return Row(False, record, **{name: draw(value) for name, value in arrivals.items()})


@st.composite
def worlds(draw: st.DrawFn) -> list[Row]:
    rows = [draw(sale_rows(n)) for n in range(draw(st.integers(0, 4)))]
    rows += [draw(refund_rows(n)) for n in range(draw(st.integers(1, 5)))]
    return list(draw(st.permutations(rows)))


def sale_of(refund: dict[str, Any], sales: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The rule, one sale after the other."""
    own = [sale for sale in sales if sale["gateway"] == refund["gateway"]]
    for name, of_sale in (("original_event_id", "gateway_event_id"), ("sale_key", "sale_key")):
        for sale in own:
            if refund[name] is not None and refund[name] == sale[of_sale]:
                return sale
    of_order = [sale for sale in own if sale["order_id"] == refund["order_id"]]
    return of_order[0] if len(of_order) == 1 else None


def nets(world: list[Row]) -> dict[tuple[str, ...], tuple[Decimal, Decimal]]:
    """Gross and net by day, gateway and currency."""
    sales = [row.record for row in world if row.is_sale]
    back: dict[str, Decimal] = defaultdict(Decimal)
    for refund in (row.record for row in world if not row.is_sale):
        sale = sale_of(refund, sales)
        if sale is not None and sale["currency"] == refund["currency"]:
            back[sale["gateway_event_id"]] += Decimal(refund["value"])
    found: dict[tuple[str, ...], tuple[Decimal, Decimal]] = {}
    for sale in sales:
        group = sale["occurred_at"][:10], sale["gateway"], sale["currency"]
        gross, net = found.get(group, (Decimal(0), Decimal(0)))
        value = Decimal(sale["value"])
        found[group] = gross + value, net + max(Decimal(0), value - back[sale["gateway_event_id"]])
    return found


def insert(connection: Connection[Any], row: Row) -> None:
    names = [name for name in row.record if name != "tenant"]
    query = sql.SQL("INSERT INTO {} (tenant_id, {}) VALUES ('t-acme', {})").format(
        sql.Identifier("trackai", "conversions" if row.is_sale else "refunds"),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
    )
    connection.execute(query, {name: row.record[name] for name in names})


def clear(connection: Connection[Any], landing: Path) -> None:
    connection.execute("TRUNCATE trackai.conversions, trackai.refunds, trackai.daily_match_rates CASCADE")
    for path in landing.rglob("*.jsonl"):
        path.unlink()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_every_world_ends_with_the_links_and_net_values_of_the_rule(
    database_url: str, connection: Connection[Any], landing: Path, world: list[Row]
) -> None:
    clear(connection, landing)
    for file in range(3):
        for name, is_sale in (("refunds", False), ("conversions", True)):
            rows = [row for row in world if row.file == file and row.is_sale == is_sale]
            path = landing / f"{name}_{file}.jsonl"
            write_jsonl(path, *(row.record for row in rows for _ in range(row.times)))
            load_all(database_url, landing, path)
    # Loads leave nothing to do.
    assert wrong_refund_links(connection) == 0
    list(aggregate_days(connection, *DAYS))
    assert days_to_net(connection, date(2026, 4, 1)) == []
    for row in world:
        if row.file == -1:
            insert(connection, row)
    refresh(connection, lambda: NOW)
    sales = [row.record for row in world if row.is_sale]
    expected: dict[Key, str | None] = {
        row.key: (sale_of(row.record, sales) or {}).get("gateway_event_id") for row in world if not row.is_sale
    }
    found = connection.execute(
        "SELECT r.gateway, r.gateway_event_id, c.gateway_event_id FROM trackai.refunds r "
        "LEFT JOIN trackai.conversions c ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id"
    ).fetchall()
    assert {(gateway, refund): sale for gateway, refund, sale in found} == expected
    for day in days_to_net(connection, date(2026, 4, 1)):
        list(aggregate_days(connection, day, day))
    assert days_to_net(connection, date(2026, 4, 1)) == []
    list(aggregate_days(connection, *DAYS))
    stored = connection.execute(
        "SELECT day::text, gateway, currency, value_total, net_total FROM trackai.daily_match_rates"
    ).fetchall()
    assert {(day, gateway, currency): (gross, net) for day, gateway, currency, gross, net in stored} == nets(world)


def test_loads_of_sales_and_refunds_at_the_same_moment(
    database_url: str, connection: Connection[Any], landing: Path
) -> None:
    count = 300
    for part in range(3):
        numbers = range(part, count, 3)
        write_jsonl(landing / f"conversions_{part}.jsonl", *(sale_record(n, order_id=f"o{n}") for n in numbers))
        write_jsonl(landing / f"refunds_{part}.jsonl", *(refund_record(n, order_id=f"o{n}") for n in numbers))
    for _ in range(3):
        connection.execute("TRUNCATE trackai.conversions, trackai.refunds CASCADE")
        with ThreadPoolExecutor(6) as loads:
            list(loads.map(lambda path: load_all(database_url, landing, path), sorted(landing.glob("*.jsonl"))))
        # Nothing is left for the night.
        assert links(connection) == {f"re_{n}": f"evt_{n}" for n in range(count)}


def test_rows_of_plain_sql_wait_for_the_night(database_url: str, connection: Connection[Any], landing: Path) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1, sale_key="s1"))
    load_all(database_url, landing)
    insert(connection, Row(False, refund_record(1, sale_key="s1"), -1, 1))
    insert(connection, Row(False, refund_record(2, sale_key="s2"), -1, 1))
    assert links(connection) == {"re_1": None, "re_2": None}
    assert refresh(connection, lambda: NOW).refunds == 1
    assert refresh(connection, lambda: NOW).refunds == 0
    assert links(connection) == {"re_1": "evt_1", "re_2": None}
    found = unlinked_refunds(connection, datetime.now(UTC) + timedelta(minutes=1))
    assert (found.refunds, found.waiting, found.overdue) == (2, 1, 1)


def test_a_refund_outlives_what_is_known_of_its_buyer(
    database_url: str, connection: Connection[Any], landing: Path, tmp_path: Path
) -> None:
    email = "ana@example.com"
    write_jsonl(landing / "conversions.jsonl", sale_record(1, email=email, fbc="fb.1.1700000000000.abc"))
    write_jsonl(landing / "refunds.jsonl", refund_record(1, original_event_id="evt_1"))
    load_all(database_url, landing)
    before: Links = links(connection)
    store = open_store(str(tmp_path / "archive"))
    erase(connection, store, DOMAINS, "t-acme", email_hash=sha256(email.encode()).hexdigest())
    assert connection.execute("SELECT customer_email_hash FROM trackai.conversions").fetchall() == [(None,)]
    assert links(connection) == before == {"re_1": "evt_1"}
    assert wrong_refund_links(connection) == 0
    list(aggregate_days(connection, *DAYS))
    assert connection.execute("SELECT value_total, net_total FROM trackai.daily_match_rates").fetchall() == [
        (Decimal("10.5"), Decimal(6))
    ]


def test_explain_lists_the_refunds_of_the_sale(database_url: str, connection: Connection[Any], landing: Path) -> None:
    write_jsonl(landing / "conversions.jsonl", sale_record(1))
    load_all(database_url, landing)
    (sale,) = connection.execute("SELECT id FROM trackai.conversions").fetchone() or (0,)
    assert len(list(story(connection, "t-acme", sale))) == 1
    write_jsonl(
        landing / "refunds.jsonl",
        refund_record(2, original_event_id="evt_1", kind="chargeback", occurred_at="2026-03-05T00:00:00Z", value=1),
        refund_record(1, original_event_id="evt_1"),
        refund_record(3, original_event_id="evt_3"),
    )
    load_all(database_url, landing)
    part: StoryPart = list(story(connection, "t-acme", sale))[1]
    assert [row[:3] for row in part.rows] == [("refund", "re_1", "4.50 BRL"), ("chargeback", "re_2", "1.00 BRL")]
