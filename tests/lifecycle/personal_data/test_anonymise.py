"""Anonymising: what goes, what stays, who is not held up, and that nothing of it is told to Meta afterwards."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest
from declared import TABLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql

from trackai_pipelines.database.connection import connect
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymise, due_to_anonymise
from trackai_pipelines.lifecycle.personal_data.user_agents import family_of

AddTenant = Callable[..., str]
BEFORE = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 2, 40, tzinfo=UTC)
EMAIL, PHONE, NAME = "a" * 64, "b" * 64, "c" * 64
PHONE_CHROME = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A.240405.002) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.6367.82 Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1"
)

_WORKER = """
import sys
from datetime import date
from trackai_pipelines.database.connection import connect
from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymise

with connect(sys.argv[1]) as connection:
    print("started", flush=True)
    for table in ("clicks", "conversions"):
        anonymise(connection, tables_of(DOMAINS), table, date.fromisoformat(sys.argv[2]))
"""


def _clicks(connection: Connection, tenant: str, count: int, at: datetime = MIDNIGHT - timedelta(days=1)) -> None:
    connection.execute(
        """
        INSERT INTO trackai.clicks (tenant_id, fbclid, fbc, fbp, ip, user_agent, created_at)
        SELECT %(tenant)s, 'IwAR' || n, 'fb.1.1700000000000.IwAR' || n, 'fb.1.1700000000000.' || n,
               inet '203.0.113.7' + n, %(agent)s || n %% 7, %(at)s - n * interval '1 second'
        FROM generate_series(1, %(count)s) n
        """,
        {"tenant": tenant, "count": count, "agent": PHONE_CHROME, "at": at},
    )


def _sale(connection: Connection, tenant: str, event: str, at: datetime, **columns: Any) -> int:
    row = {
        "fbc": "fb.1.1700000000000.IwAR1",
        "fbp": "fb.1.1700000000000.1",
        "fbclid": "IwAR1",
        "email": EMAIL,
        "phone": PHONE,
        "ip": "203.0.113.7",
        "agent": PHONE_CHROME,
        "url": "https://shop.example/thanks?utm_source=x&name=Ann#top",
        **columns,
    }
    found = connection.execute(
        """
        INSERT INTO trackai.conversions
            (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, created_at, fbclid, fbc, fbp,
             customer_email_hash, customer_phone_hash, customer_information, client_ip, client_user_agent,
             event_source_url)
        VALUES (%(tenant)s, 'stripe', %(event)s, 49.90, 'BRL', %(at)s, %(at)s, %(fbclid)s, %(fbc)s, %(fbp)s,
                %(email)s, %(phone)s, jsonb_build_object('fn', %(name)s::text), %(ip)s, %(agent)s, %(url)s)
        RETURNING id
        """,
        {"tenant": tenant, "event": event, "at": at, "name": NAME, **row},
    ).fetchone()
    assert found is not None
    return int(found[0])


def _rows(connection: Connection, table: str) -> dict[int, dict[str, Any]]:
    rows = sql.SQL("SELECT t.id, to_jsonb(t) FROM {} t")
    found = connection.execute(rows.format(sql.Identifier("trackai", table)))
    return dict(found.fetchall())


def test_clicks_lose_what_is_precise_and_keep_what_matches_are_explained_with(
    connection: Connection, add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme")
    for at, ip, agent in (
        (MIDNIGHT - timedelta(microseconds=1), "203.0.113.7", PHONE_CHROME),
        (MIDNIGHT - timedelta(days=40), "2001:db8:1:2:3:4:5:6", "no browser at all"),
        (MIDNIGHT - timedelta(days=41), "::ffff:203.0.113.7", "  "),
        (MIDNIGHT - timedelta(days=42), None, None),
        (MIDNIGHT, "203.0.113.7", PHONE_CHROME),
    ):
        connection.execute(
            "INSERT INTO trackai.clicks (tenant_id, external_id, fbclid, fbc, fbp, utm_source, ip, user_agent,"
            " created_at) VALUES (%s, %s, 'IwAR1', 'fb.1.1.IwAR1', 'fb.1.1.7', 'mail', %s, %s, %s)",
            (acme, f"click-{at}", ip, agent, at),
        )
    before = _rows(connection, "clicks")
    assert due_to_anonymise(connection, TABLES, "clicks", BEFORE) == 4
    assert anonymise(connection, TABLES, "clicks", BEFORE, clock=lambda: NOW) == 4
    after = _rows(connection, "clicks")
    assert [(row["ip"], row["user_agent"]) for _, row in sorted(after.items())] == [
        ("203.0.113.0/24", "Chrome Mobile"),
        ("2001:db8:1::/48", "Other"),
        ("203.0.113.0/24", None),
        (None, None),
        ("203.0.113.7", PHONE_CHROME),
    ]
    assert [row["anonymised_at"] is not None for _, row in sorted(after.items())] == [True] * 4 + [False]
    changed = {"ip", "user_agent", "anonymised_at"}
    for click, row in before.items():
        assert {name: after[click][name] for name in row.keys() - changed} == {
            name: row[name] for name in row.keys() - changed
        }
    assert anonymise(connection, TABLES, "clicks", BEFORE, clock=lambda: NOW + timedelta(days=1)) == 0
    assert _rows(connection, "clicks") == after, "a second time changes nothing"


def test_conversions_lose_the_buyer_and_stay_sales(connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    old = _sale(connection, acme, "old", MIDNIGHT - timedelta(hours=1))
    bare = _sale(connection, acme, "bare", MIDNIGHT - timedelta(hours=2), email=None, phone=None, ip=None, agent=None,
                 url="?all=query")  # fmt: skip
    young = _sale(connection, acme, "young", MIDNIGHT)
    connection.execute(
        "INSERT INTO trackai.matched_attributions"
        " (tenant_id, conversion_id, strategy, open_click_key, open_browser_key, open_email_key)"
        " SELECT tenant_id, id, 'unmatched', 1, 2, 3 FROM trackai.conversions"
    )
    before = _rows(connection, "conversions")
    assert due_to_anonymise(connection, TABLES, "conversions", BEFORE) == 2
    assert anonymise(connection, TABLES, "conversions", BEFORE, clock=lambda: NOW) == 2
    after = _rows(connection, "conversions")
    gone = {"customer_email_hash": None, "customer_phone_hash": None, "customer_information": None}
    stamp = {"anonymised_at": NOW.isoformat()}
    assert after[old] == {
        **before[old], **gone, **stamp,
        "client_ip": "203.0.113.0/24", "client_user_agent": "Chrome Mobile",
        "event_source_url": "https://shop.example/thanks",
    }  # fmt: skip
    assert after[bare] == {**before[bare], **gone, **stamp, "event_source_url": None}
    assert after[young] == before[young]
    keys = connection.execute(
        "SELECT conversion_id, open_click_key, open_browser_key, open_email_key FROM trackai.matched_attributions"
    ).fetchall()
    assert sorted(keys) == sorted([(old, 1, 2, None), (bare, 1, 2, None), (young, 1, 2, 3)])


def test_other_networks_click_ids_go_and_items_stay(connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    at = MIDNIGHT - timedelta(hours=1)
    connection.execute(
        'INSERT INTO trackai.clicks (tenant_id, click_ids, created_at) VALUES (%s, \'{"gclid": "Cj0"}\', %s)',
        (acme, at),
    )
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at,"
        " click_ids, contents)"
        " VALUES (%s, 'loja', 'e-1', 1, 'BRL', %s, '{\"ttclid\": \"E.C\"}', '[{\"id\": \"sku\"}]')",
        (acme, at),
    )
    for table in ("clicks", "conversions"):
        assert anonymise(connection, TABLES, table, BEFORE, clock=lambda: NOW) == 1
    assert connection.execute("SELECT click_ids FROM trackai.clicks").fetchall() == [(None,)]
    found = connection.execute("SELECT click_ids, contents FROM trackai.conversions").fetchall()
    assert found == [(None, [{"id": "sku"}])]


def test_other_tables_have_nothing_to_anonymise(connection: Connection) -> None:
    with pytest.raises(ValueError, match="identities has no personal fields"):
        anonymise(connection, TABLES, "identities", BEFORE)
    with pytest.raises(ValueError, match="clicks and conversions"):
        due_to_anonymise(connection, TABLES, "tenants", BEFORE)


def test_a_locked_row_is_passed_over_and_left_to_the_next_run(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme")
    _clicks(connection, acme, 4_500)
    locked = [click for (click,) in connection.execute("SELECT id FROM trackai.clicks ORDER BY random() LIMIT 7")]
    with connect(database_url) as other:
        other.execute("BEGIN")
        other.execute("SELECT FROM trackai.clicks WHERE id = ANY (%s) FOR UPDATE", (locked,))
        assert anonymise(connection, TABLES, "clicks", BEFORE) == 4_493
        other.execute("ROLLBACK")
    left = connection.execute("SELECT id FROM trackai.clicks WHERE anonymised_at IS NULL").fetchall()
    assert sorted(click for (click,) in left) == sorted(locked)
    assert anonymise(connection, TABLES, "clicks", BEFORE) == 7


def test_who_points_at_a_click_is_no_lock(database_url: str, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    _clicks(connection, acme, 3)
    with connect(database_url) as writer:
        writer.execute("SET statement_timeout = '2s'")
        writer.execute("BEGIN")
        writer.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) SELECT tenant_id, %s, id"
            " FROM trackai.clicks",
            (EMAIL,),
        )
        assert anonymise(connection, TABLES, "clicks", BEFORE) == 3
        writer.execute("COMMIT")


def test_two_at_once_share_the_rows(database_url: str, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    _clicks(connection, acme, 20_000)
    done: list[int] = []

    def work() -> None:
        with connect(database_url) as own:
            done.append(anonymise(own, TABLES, "clicks", BEFORE))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == 20_000
    assert due_to_anonymise(connection, TABLES, "clicks", BEFORE) == 0


@pytest.mark.processes
def test_a_killed_run_is_finished_by_the_next(database_url: str, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    rows = 60_000
    _clicks(connection, acme, rows)
    for number in range(20):
        _sale(connection, acme, f"sale-{number}", MIDNIGHT - timedelta(days=number, seconds=1))
    begun = 0
    for _ in range(3):
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, database_url, BEFORE.isoformat()], stdout=subprocess.PIPE
        )
        assert worker.stdout is not None
        worker.stdout.readline()
        # As soon as a batch more has been committed.
        while worker.poll() is None and due_to_anonymise(connection, TABLES, "clicks", BEFORE) >= rows - begun:
            pass
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
        # What the server still does for the dead one has an end.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        begun = rows - due_to_anonymise(connection, TABLES, "clicks", BEFORE)
        halves = connection.execute(
            "SELECT count(*) FROM trackai.clicks WHERE (anonymised_at IS NULL) <> (masklen(ip) = 32)"
        ).fetchone()
        assert halves == (0,)
    assert 0 < begun < rows, "it was killed in the middle"
    assert anonymise(connection, TABLES, "clicks", BEFORE) == rows - begun
    assert anonymise(connection, TABLES, "conversions", BEFORE) == 20
    assert (
        due_to_anonymise(connection, TABLES, "clicks", BEFORE)
        == due_to_anonymise(connection, TABLES, "conversions", BEFORE)
        == 0
    )


_ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.ip_addresses(v=4).map(lambda address: IPv6Address(f"::ffff:{address}")),
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_ADDRESSES, min_size=1, max_size=50))
def test_an_address_becomes_its_network(connection: Connection, addresses: list[IPv4Address | IPv6Address]) -> None:
    found = connection.execute(
        "SELECT trackai.network_of(a)::text, trackai.network_of(trackai.network_of(a))::text"
        " FROM unnest(%s::inet[]) WITH ORDINALITY AS t (a, place) ORDER BY place",
        ([str(address) for address in addresses],),
    ).fetchall()
    for address, (network, again) in zip(addresses, found, strict=True):
        meant = (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
        assert ip_network(network) == ip_network(f"{meant}/{24 if meant.version == 4 else 48}", strict=False)
        assert meant in ip_network(network)
        assert again == network


def test_networks_that_are_given_stay_networks(connection: Connection) -> None:
    given_and_kept = {
        "10.0.0.0/8": "10.0.0.0/8",
        "10.1.2.3/24": "10.1.2.0/24",
        "2001:db8::/32": "2001:db8::/32",
        "::ffff:10.1.2.3/104": "10.0.0.0/8",
        "::ffff:0:0/96": "0.0.0.0/0",
        "0.0.0.0": "0.0.0.0/24",
        "::": "::/48",
    }
    found = connection.execute(
        "SELECT a, trackai.network_of(a::inet)::text FROM unnest(%s::text[]) a", ([*given_and_kept],)
    )
    assert dict(found.fetchall()) == given_and_kept
    assert connection.execute("SELECT trackai.network_of(NULL)").fetchone() == (None,)


_NUMBERS = st.integers(min_value=1, max_value=9_999)


@settings(deadline=None, max_examples=60)
@given(
    major=st.integers(min_value=70, max_value=200), build=_NUMBERS, patch=_NUMBERS,
    model=st.from_regex(r"[A-Z]{2}-[A-Z][0-9]{3,4}[A-Z]?", fullmatch=True),
)  # fmt: skip
def test_a_family_tells_nothing_of_version_or_device(major: int, build: int, patch: int, model: str) -> None:
    chrome = (
        f"Mozilla/5.0 (Linux; Android {major % 15 + 1}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{major}.0.{build}.{patch} Mobile Safari/537.36"
    )
    firefox = f"Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"
    assert (family_of(chrome), family_of(firefox)) == ("Chrome Mobile", "Firefox")


@settings(deadline=None, max_examples=100)
@given(
    st.one_of(
        st.text(max_size=2_000),
        st.builds("{}/{} CFNetwork/1 Darwin/1".format, st.text(max_size=80), _NUMBERS),
        st.builds("Mozilla/5.0 ({}) {}".format, st.text(max_size=80), st.text(max_size=80)),
    )
)
def test_any_text_becomes_a_short_name_or_nothing(text: str) -> None:
    family = family_of(text)
    if not text.strip():
        assert family is None
    else:
        assert family
        assert len(family) <= 40
        assert "@" not in family
    assert family_of(text) == family


@pytest.mark.parametrize(
    ("text", "family"),
    [
        (None, None),
        ("", None),
        (" \n", None),
        ("definitely no browser", "Other"),
        ("ann.smith@example.com-iPhone/1.0 CFNetwork/1.0", "Other"),
        ("Ann 5511987654321/1.0 CFNetwork/1.0", "Other"),
        ("x" * 100_000, "Other"),
        (IPHONE, "Mobile Safari"),
    ],
)
def test_families(text: str | None, family: str | None) -> None:
    assert family_of(text) == family
