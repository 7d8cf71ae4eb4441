"""Rates from archives are those that the database gave, and a what-if is what the database would have given."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from declared import CLICKS, MATCH_LOG, TABLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching.gates import override
from psycopg import Connection

from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.export import archive_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.reader import create_keys
from trackai_pipelines.lifecycle.archive.store import ArchiveDamaged, Store, open_store
from trackai_pipelines.match_rates.aggregate import aggregate_days
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.what_if.rates import recompute

FIRST = date(2026, 3, 10)
LAST = date(2026, 3, 12)
DECIDED = datetime(2026, 3, 13, 6, 0, tzinfo=UTC)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
HASH = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


def insert_world(connection: Connection, tenants: list[str]) -> None:
    """Per tenant 60 clicks over a month, and sales of three days that find them, some only just, some by e-mail."""
    for tenant in tenants:
        connection.execute(
            "INSERT INTO trackai.clicks (tenant_id, fbclid, fbp, created_at) "
            "SELECT %s, 'click' || n, 'fb.1.1.' || n, %s - n * interval '12 hours' FROM generate_series(1, 60) n",
            [tenant, datetime(2026, 3, 13, tzinfo=UTC)],
        )
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) "
            "SELECT tenant_id, %s, id FROM trackai.clicks WHERE tenant_id = %s AND fbclid IN ('click30', 'click50')",
            [HASH, tenant],
        )
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, "
            "created_at, fbc, fbp, customer_email_hash) "
            "SELECT %s, CASE WHEN n %% 3 = 0 THEN 'stripe' ELSE 'hotmart' END, 'evt' || n, n * 1.25, "
            "CASE WHEN n %% 5 = 0 THEN 'USD' ELSE 'BRL' END, "
            "%s + n * interval '29 minutes', %s + n * interval '30 minutes', "
            "CASE WHEN n %% 4 < 2 THEN 'fb.1.5. '  || n %% 60 WHEN n %% 4 = 2 THEN 'fb.1.5.click' || n %% 60 END, "
            "CASE WHEN n %% 3 = 0 THEN ' fb.1.1.' || n %% 60 || ' ' END, CASE WHEN n %% 2 = 0 THEN %s END "
            "FROM generate_series(1, 140) n",
            [tenant, datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC), HASH],
        )


def matched(connection: Connection) -> None:
    create_partitions_ahead(connection, TABLES, today=DECIDED.date())
    drain(connection, run_id="test", clock=lambda: DECIDED)
    list(aggregate_days(connection, FIRST, LAST))


def recorded(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT tenant_id, day, gateway, currency::text, conversions, fbc, fbp, email, unmatched, pending, "
        "value_total, value_matched, p95_match_seconds FROM trackai.daily_match_rates ORDER BY 1, 2, 3, 4"
    ).fetchall()


def figures(rates: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in row.__dataclass_fields__) for row in rates]


def same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], *, percentile: bool) -> None:
    assert [row[:12] for row in found] == [row[:12] for row in expected]
    if percentile:
        # The database reads it from buckets: right to three per cent.
        assert [row[12] for row in found] == [
            None if row[12] is None else pytest.approx(row[12], rel=0.03) for row in expected
        ]


def put_away(connection: Connection, database_url: str, store: Store) -> None:
    """Archive and drop the whole log and all clicks."""
    days = [
        *((MATCH_LOG, DECIDED.date()),),
        *((CLICKS, date(2026, 2, 1) + timedelta(days=back)) for back in range(60)),
    ]
    for table, day in days:
        archive_day(connection, database_url, store, table, day, grace=timedelta(0), clock=lambda: LATER)
    for archive in archives(connection):
        table = MATCH_LOG if archive.table_name == MATCH_LOG.name else CLICKS
        drop_day(connection, store, table, archive, clock=lambda: LATER + timedelta(days=1))


def test_archived_days_come_to_the_same(
    connection: Connection, database_url: str, add_tenant: Callable[..., str], store: Store
) -> None:
    insert_world(connection, [add_tenant("acme", email_matching=True, lookback_days=20), add_tenant("other")])
    matched(connection)
    before = recorded(connection)
    assert {sum(row[at] for row in before) > 0 for at in (5, 6, 7, 8)} == {True}
    same(figures(recompute(connection, database_url, store, FIRST, LAST)), before, percentile=True)
    put_away(connection, database_url, store)
    assert connection.execute("SELECT count(*) FROM trackai.match_log").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM trackai.clicks").fetchone() == (0,)
    same(figures(recompute(connection, database_url, store, FIRST, LAST)), before, percentile=True)
    one_day = figures(recompute(connection, database_url, store, FIRST, FIRST))
    same(one_day, [row for row in before if row[1] == FIRST], percentile=True)


@pytest.mark.parametrize("lookback_days", [0, 3, 15, 20, 26, 90])
@pytest.mark.parametrize("archived", [False, True])
def test_another_window_is_what_the_database_would_have_given(
    connection: Connection,
    database_url: str,
    add_tenant: Callable[..., str],
    store: Store,
    lookback_days: int,
    archived: bool,
) -> None:
    tenants = [add_tenant("acme", email_matching=True, lookback_days=20), add_tenant("other", lookback_days=20)]
    insert_world(connection, tenants)
    matched(connection)
    if archived:
        # While the e-mails are there, their other clicks count, too; in an archive only the one that matched does.
        connection.execute("DELETE FROM trackai.identities")
        connection.execute("DELETE FROM trackai.matched_attributions WHERE strategy = 'email'")
        connection.execute("TRUNCATE trackai.match_log, trackai.match_queue")
        connection.execute("DELETE FROM trackai.matched_attributions")
        connection.execute("INSERT INTO trackai.match_queue SELECT tenant_id, id FROM trackai.conversions")
        matched(connection)
        put_away(connection, database_url, store)
    found = figures(recompute(connection, database_url, store, FIRST, LAST, lookback_days=lookback_days))
    # The database decides again, with that window.
    if archived:
        insert_clicks_again(connection, tenants)
    for tenant in tenants:
        override(connection, tenant, "lookback_days", str(lookback_days))
    connection.execute("DELETE FROM trackai.matched_attributions")
    connection.execute(
        "INSERT INTO trackai.match_queue SELECT tenant_id, id FROM trackai.conversions ON CONFLICT DO NOTHING"
    )
    matched(connection)
    same(found, recorded(connection), percentile=False)


@pytest.mark.parametrize("email_matching", [True, False])
@pytest.mark.parametrize("lookback_days", [None, 15])
def test_another_value_of_a_gate_is_what_the_database_would_have_given(
    connection: Connection,
    database_url: str,
    add_tenant: Callable[..., str],
    store: Store,
    email_matching: bool,
    lookback_days: int | None,
) -> None:
    tenants = [add_tenant("acme", email_matching=True, lookback_days=20), add_tenant("other", lookback_days=26)]
    # The window that is not asked about is the sale's own.
    override(connection, tenants[0], "lookback_days", "3", datetime(2026, 3, 11, tzinfo=UTC))
    override(connection, tenants[1], "email_matching", "true", datetime(2026, 3, 12, tzinfo=UTC))
    insert_world(connection, tenants)
    matched(connection)
    before = recorded(connection)
    found = recompute(
        connection, database_url, store, FIRST, LAST, email_matching=email_matching, lookback_days=lookback_days
    )
    assert recorded(connection) == before
    for tenant in tenants:
        # Whatever was said of single days, the newest version counts from the beginning.
        override(connection, tenant, "email_matching", str(email_matching).lower())
        if lookback_days is not None:
            override(connection, tenant, "lookback_days", str(lookback_days))
    connection.execute("DELETE FROM trackai.matched_attributions")
    connection.execute("INSERT INTO trackai.match_queue SELECT tenant_id, id FROM trackai.conversions")
    matched(connection)
    same(figures(found), recorded(connection), percentile=False)
    assert (sum(row.email for row in found) > 0) == email_matching


def insert_clicks_again(connection: Connection, tenants: list[str]) -> None:
    for tenant in tenants:
        connection.execute(
            "INSERT INTO trackai.clicks (tenant_id, fbclid, fbp, created_at) "
            "SELECT %s, 'click' || n, 'fb.1.1.' || n, %s - n * interval '12 hours' FROM generate_series(1, 60) n",
            [tenant, datetime(2026, 3, 13, tzinfo=UTC)],
        )


@pytest.mark.parametrize("archived", [False, True])
def test_placeholders_appendices_and_indexes_are_read_as_in_the_database(
    connection: Connection, database_url: str, add_tenant: Callable[..., str], store: Store, archived: bool
) -> None:
    tenant = add_tenant("acme", email_matching=True, lookback_days=20)
    # (fbclid, fbc, fbp) of clicks, of which sales with the same values find those that are keys.
    hits = [
        ("AbC", "fb.1.17.null", None),
        (None, "fb.3.17.IwB.AQQCAQIA", None),
        (None, "fb.12.17.IwC.", None),
        (None, None, "fb.3.17.11"),
        ("undefined", None, "fb.12.17.12.Ag"),
    ]
    misses = [
        ("undefined", None, None),
        ("%7B%7Bfbclid%7D%7D", "fb.1.17.undefined", "fb.1.17.0"),
        (" NULL ", "fb.3.17.[object%20Object].AQ", "fb.1.17.undefined"),
        ("0", "fb.1.17.", "fb.1.17.00.AQ"),
    ]
    nothing = sha256(b"").hexdigest()
    for n, keys in enumerate([*hits, *misses]):
        connection.execute(
            "WITH c AS (INSERT INTO trackai.clicks (tenant_id, fbclid, fbc, fbp, created_at) "
            "VALUES (%(tenant)s, %(fbclid)s, %(fbc)s, %(fbp)s, %(clicked)s) RETURNING tenant_id, id), "
            "i AS (INSERT INTO trackai.identities (tenant_id, email_hash, click_id) "
            "SELECT tenant_id, %(email)s, id FROM c) "
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, "
            "created_at, fbclid, fbc, fbp, customer_email_hash) "
            "VALUES (%(tenant)s, 'stripe', %(n)s, 1, 'BRL', %(sold)s, %(sold)s, %(fbclid)s, %(fbc)s, %(fbp)s, "
            "%(email)s)",
            {
                "tenant": tenant, "n": str(n), "email": nothing, "fbclid": keys[0], "fbc": keys[1], "fbp": keys[2],
                "clicked": datetime(2026, 3, 10, 8, tzinfo=UTC), "sold": datetime(2026, 3, 10, 9, tzinfo=UTC),
            },
        )  # fmt: skip
    matched(connection)
    (expected,) = recorded(connection)
    assert expected[5:9] == (3, 2, 0, 4)
    if archived:
        put_away(connection, database_url, store)
    for lookback_days in (None, 20):
        found = figures(recompute(connection, database_url, store, FIRST, LAST, lookback_days=lookback_days))
        same(found, [expected], percentile=lookback_days is None)


def test_what_nothing_has_decided_stays_pending(
    connection: Connection, database_url: str, add_tenant: Callable[..., str], store: Store
) -> None:
    insert_world(connection, [add_tenant("acme", status="suspended")])
    matched(connection)
    for lookback_days in (None, 30):
        found = recompute(connection, database_url, store, FIRST, LAST, lookback_days=lookback_days)
        assert sum(row.pending for row in found) == sum(row.conversions for row in found) == 140
        assert {row.match_rate for row in found} == {None}
        assert sum(row.value_total for row in found) == Decimal("1.25") * sum(range(1, 141))


def test_an_archive_that_does_not_read_is_named(
    connection: Connection, database_url: str, add_tenant: Callable[..., str], store: Store, tmp_path: Path
) -> None:
    insert_world(connection, [add_tenant("acme")])
    matched(connection)
    put_away(connection, database_url, store)
    (log,) = archives(connection, "match_log")
    (tmp_path / "archive" / log.path).write_bytes(b"PAR1 not quite PAR1")
    with pytest.raises(ArchiveDamaged, match=r"match_log_20260313"):
        recompute(connection, database_url, store, FIRST, LAST)


WHITE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
PIECES = st.sampled_from(
    [
        "fb", "FB", ".", "0", "1", "2", "3", "170", "AbC-_", "ç", "\u200b", "\ufeff", *WHITE, "undefined", "NULL",
        "%22", "%", "%2522", "%6eull", "{", "}", "&lt;", "&quot;", "__", "IwAR" * 9,
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.lists(PIECES, max_size=9).map("".join),
    st.builds(
        "{}fb.{}.17.{}{}{}".format,
        st.sampled_from(["", *WHITE]),
        st.sampled_from([0, 1, 2, 3, 12]),
        st.lists(PIECES, max_size=3).map("".join),
        st.sampled_from(["", ".", ".AQ", ".a.b"]),
        st.sampled_from(["", *WHITE]),
    ),
    st.integers(510, 514).map(lambda length: "x" * length),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=20))
def test_keys_are_those_of_the_database(connection: Connection, rows: list[tuple[str | None, ...]]) -> None:
    expected = [
        connection.execute("SELECT trackai.click_key(%s, %s), trackai.browser_key(%s)", row).fetchone() for row in rows
    ]
    with duckdb.connect() as duck:
        create_keys(duck)
        found = [
            duck.execute("SELECT click_key(?::text, ?::text), browser_key(?::text)", list(row)).fetchone()
            for row in rows
        ]
    assert found == expected
