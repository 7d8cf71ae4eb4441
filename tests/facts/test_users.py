"""Users and the conversions of each: any order of arrival leads to the links that the rule gives."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.landing_zone import counts, load_all, sale_record, write_jsonl
from psycopg import Connection, sql

from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.facts.domain import FACTS
from trackai_pipelines.facts.links import Refreshed, refresh, unlinked, wrong_links
from trackai_pipelines.ingest.outcomes import LeftOut
from trackai_pipelines.lifecycle.archive.store import open_store
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.lifecycle.retention.plan import plan_retention

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
Links = dict[str, tuple[str, str]]


def hashed(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def links(connection: Connection) -> Links:
    """The user and the reason of each linked conversion, by its event."""
    rows = connection.execute(
        "SELECT c.gateway_event_id, l.user_id, l.linked_by FROM trackai.user_conversions l "
        "JOIN trackai.conversions c ON c.tenant_id = l.tenant_id AND c.id = l.conversion_id"
    ).fetchall()
    return {event: (user, by) for event, user, by in rows}


def users(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT id, email_hash, phone_hash FROM trackai.users ORDER BY tenant_id, id").fetchall()


def test_contacts_are_hashed_and_a_later_row_replaces_them(
    database_url: str, connection: Connection, landing: Path
) -> None:
    path = landing / "acme" / "users.jsonl"
    write_jsonl(
        path,
        {"id": 7, "email": " Ana@Example.com", "phone": "(11) 91234-5678", "created_at": "2026-01-01"},
        {"id": "8", "email_hash": hashed("x").upper()},
        {"id": "7", "email": "ana@example.org"},
        {"id": "", "email": "ana@example.org"},
        {"id": "9", "phone_hash": "12"},
    )
    (report,) = load_all(database_url, landing)
    assert (report.kind, *counts(report)) == ("users", 3, 1, 1)
    assert report.left_out == {LeftOut("phone_hash", "not a SHA-256"): 1}
    known = [("7", hashed("ana@example.org"), None), ("8", hashed("x"), None), ("9", None, None)]
    assert users(connection) == known
    assert counts(load_all(database_url, landing)[0]) == (0, 4, 1)
    reasons = connection.execute("SELECT reason FROM trackai.ingest_rejects ORDER BY line").fetchall()
    assert reasons[0] == ("id is missing; expected the app's own id of the user",)
    # Said earlier than what is known, by the row itself or by the time of its file: the order of loading is nothing.
    os.utime(write_jsonl(landing / "acme" / "users_old.jsonl", {"id": "7", "email": "old@example.org"}), (1e9, 1e9))
    write_jsonl(landing / "acme" / "users_2020.jsonl", {"id": "8", "email": "b@x.com", "updated_at": "2020-01-01"})
    load_all(database_url, landing)
    assert users(connection) == known
    os.utime(write_jsonl(landing / "acme" / "users_new.jsonl", {"id": "8", "phone": "+5511912345678"}), None)
    load_all(database_url, landing)
    assert users(connection)[1] == ("8", None, hashed("5511912345678"))
    # A row that says nothing new of hashes has not changed; the first hash of a user replaces none.
    stamps = "SELECT id, changed_at, replaced_at FROM trackai.users ORDER BY id"
    seventh, eighth, ninth = connection.execute(stamps).fetchall()
    assert (seventh[2], eighth[2], ninth[2]) == (None, eighth[1], None)
    again = [{"id": "7", "email": "ana@example.org"}, {"id": "9", "email": "c@x.com"}]
    os.utime(write_jsonl(landing / "acme" / "users_again.jsonl", *again), None)
    load_all(database_url, landing)
    after = connection.execute(stamps).fetchall()
    assert after[:2] == [seventh, eighth]
    assert after[2][1] > ninth[1]
    assert after[2][2] is None


def test_the_e_mail_goes_before_the_phone_and_the_lowest_id_before_others(
    database_url: str, connection: Connection, landing: Path
) -> None:
    write_jsonl(
        landing / "acme" / "users.jsonl",
        {"id": "b", "email": "two@x.com"},
        {"id": "a", "phone": "+5511912345678"},
        {"id": "c", "email": "two@x.com", "phone": "+5511912345678"},
    )
    write_jsonl(landing / "globex" / "users.jsonl", {"id": "0", "email": "two@x.com"})
    write_jsonl(
        landing / "conversions.jsonl",
        sale_record(1, email="two@x.com", phone="+5511912345678"),
        sale_record(2, email="other@x.com", phone="+5511912345678"),
        sale_record(3, email="other@x.com"),
        sale_record(4),
        # A webhook that is delivered again.
        sale_record(1, email="two@x.com", phone="+5511912345678"),
    )
    load_all(database_url, landing)
    assert links(connection) == {"evt_1": ("b", "email"), "evt_2": ("a", "phone")}


def test_nobodys_hash_links_no_sale_with_a_user(database_url: str, connection: Connection, landing: Path) -> None:
    write_jsonl(
        landing / "acme" / "users.jsonl",
        {"id": "a", "email_hash": hashed(""), "phone": "+5511912345678"},
        {"id": "b", "email": "test@test.com", "phone_hash": hashed("undefined")},
    )
    write_jsonl(
        landing / "conversions.jsonl",
        sale_record(1, customer_email_hash=hashed("")),
        sale_record(2, email="Test@Test.com", customer_phone_hash=hashed("undefined")),
        sale_record(3, customer_email_hash=hashed(""), phone="+5511912345678"),
    )
    load_all(database_url, landing)
    assert links(connection) == {"evt_3": ("a", "phone")}


def test_a_replaced_hash_moves_what_still_has_hashes_and_nothing_else(
    database_url: str, connection: Connection, landing: Path
) -> None:
    write_jsonl(
        landing / "acme" / "users.jsonl",
        {"id": "a", "email": "one@x.com", "updated_at": "2026-01-01"},
        {"id": "b", "email": "one@x.com", "updated_at": "2026-01-01"},
        {"id": "c", "email": "two@x.com", "updated_at": "2026-01-01"},
    )
    sales = [sale_record(1, email="one@x.com"), sale_record(2, email="one@x.com"), sale_record(3, email="two@x.com")]
    write_jsonl(landing / "conversions.jsonl", *sales)
    load_all(database_url, landing)
    assert links(connection) == {"evt_1": ("a", "email"), "evt_2": ("a", "email"), "evt_3": ("c", "email")}
    _anonymise(connection, "evt_2")
    write_jsonl(
        landing / "acme" / "users2.jsonl",
        {"id": "a", "email": "new@x.com", "updated_at": "2026-02-01"},
        {"id": "c", "updated_at": "2026-02-01"},
    )
    load_all(database_url, landing)
    # evt_1 is b's now, evt_2 was a's when it was told from its hashes, evt_3 is nobody's.
    assert links(connection) == {"evt_1": ("b", "email"), "evt_2": ("a", "email")}
    assert refresh(connection, lambda: NOW) == Refreshed()


def test_a_user_changes_with_other_hashes_and_a_lost_link_only(
    database_url: str, connection: Connection, landing: Path
) -> None:
    def changed() -> dict[str, datetime]:
        return dict(connection.execute("SELECT id, changed_at FROM trackai.users").fetchall())

    users = landing / "acme"
    write_jsonl(
        users / "users1.jsonl", *({"id": user, "email": f"{user}@x.com", "updated_at": "2026-01-01"} for user in "abc")
    )
    write_jsonl(landing / "conversions.jsonl", sale_record(1, email="c@x.com"))
    load_all(database_url, landing)
    before = changed()
    write_jsonl(
        users / "users2.jsonl",
        {"id": "a", "email": "a@x.com", "created_at": "2025-01-01", "updated_at": "2026-02-01"},
        {"id": "b", "email": "b@x.com", "phone": "+5511912345678", "updated_at": "2026-02-01"},
    )
    load_all(database_url, landing)
    after = changed()
    assert {user for user in after if after[user] != before[user]} == {"b"}
    connection.execute("UPDATE trackai.users SET email_hash = NULL WHERE id = 'c'")
    assert refresh(connection, lambda: NOW).removed == 1
    assert changed() == {**after, "c": NOW}


def test_links_have_the_time_of_their_tenants_turn(connection: Connection, add_tenant: Callable[..., str]) -> None:
    """A long run over many tenants commits no links that seem to have been there since it began."""
    for tenant in (add_tenant("acme"), add_tenant("globex")):
        given = {"tenant": tenant, "hash": hashed("x"), "now": NOW}
        connection.execute(
            "INSERT INTO trackai.users (tenant_id, id, email_hash) VALUES (%(tenant)s, 'a', %(hash)s)", given
        )
        connection.execute(
            "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at,"
            " customer_email_hash) VALUES (%(tenant)s, 'stripe', 'evt_1', 1, 'BRL', %(now)s, %(hash)s)",
            given,
        )
    moments = [NOW, NOW + timedelta(hours=1)]
    refresh(connection, iter(moments).__next__)
    linked = connection.execute("SELECT linked_at FROM trackai.user_conversions ORDER BY linked_at").fetchall()
    assert linked == [(moment,) for moment in moments]


def test_rows_of_plain_sql_are_linked_and_registered_at_night(
    connection: Connection, add_tenant: Callable[..., str]
) -> None:
    acme = add_tenant("acme")
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, email_hash) VALUES (%s, 'a', %s)", [acme, hashed("x")]
    )
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, "
        "customer_email_hash) SELECT %s, 'stripe', 'evt_' || n, 1, 'BRL', %s, %s FROM generate_series(1, 3) n",
        [acme, NOW, hashed("x")],
    )
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, utm_campaign, created_at) VALUES (%s, ' spring ', %s), (%s, NULL, %s)",
        [acme, NOW, acme, NOW],
    )
    day, next_day = date(2026, 3, 10), date(2026, 3, 11)
    assert wrong_links(connection) == (0, 3)
    reason = unlinked(connection, next_day)
    assert reason is not None
    assert reason.startswith("the links between users and 3 conversions are not up to date")
    assert unlinked(connection, day) is None
    # Their hashes stay until the links are there.
    connection.execute("DELETE FROM trackai.retention_policies WHERE table_name <> 'conversions'")
    retention = partial(plan_retention, connection, tables_of([FACTS]), today=date(2026, 12, 1), dry_run=True)
    (step,) = retention().steps
    assert (step.action, step.rows, step.blocked_by) == ("anonymise", 3, reason)
    assert refresh(connection, lambda: NOW) == Refreshed(linked=3, campaigns=2)
    assert refresh(connection, lambda: NOW + timedelta(days=1)) == Refreshed()
    assert unlinked(connection, next_day) is None
    assert [step.blocked_by for step in retention().steps] == [None]
    assert wrong_links(connection) == (3, 0)
    assert connection.execute("SELECT DISTINCT linked_at FROM trackai.user_conversions").fetchall() == [(NOW,)]
    known = connection.execute("SELECT campaign_id, name, status, updated_at FROM trackai.campaigns ORDER BY 1")
    assert known.fetchall() == [("(none)", "(none)", "active", None), ("spring", "spring", "active", None)]


def test_links_of_erased_sales_go_with_them(
    database_url: str, connection: Connection, landing: Path, tmp_path: Path
) -> None:
    users = [{"id": "a", "email": "one@x.com"}, {"id": "b", "email": "two@x.com"}]
    write_jsonl(landing / "acme" / "users.jsonl", *users)
    emails = ("one@x.com", "one@x.com", "two@x.com")
    write_jsonl(
        landing / "conversions.jsonl", *(sale_record(number, email=email) for number, email in enumerate(emails))
    )
    load_all(database_url, landing)
    assert len(links(connection)) == 3
    store = open_store(str(tmp_path / "archive"))
    done = erase(connection, store, DOMAINS, "t-acme", email_hash=hashed("one@x.com"))
    assert (done.conversions, done.events, done.tables) == (2, 0, {"users": 1, "user_conversions": 2})
    assert set(links(connection)) == {"evt_2"}
    kept = connection.execute("SELECT id, email_hash FROM trackai.users ORDER BY id").fetchall()
    assert kept == [("a", None), ("b", hashed("two@x.com"))]


def _anonymise(connection: Connection, event: str) -> None:
    connection.execute(
        "UPDATE trackai.conversions SET customer_email_hash = NULL, customer_phone_hash = NULL, anonymised_at = now() "
        "WHERE gateway_event_id = %s",
        [event],
    )


@dataclass
class World:
    """The same rule, told by brute force over lists."""

    users: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    sales: dict[str, tuple[str, str]] = field(default_factory=dict)
    frozen: Links = field(default_factory=dict)

    def link_of(self, sale: tuple[str, str]) -> tuple[str, str] | None:
        for by, place in (("email", 0), ("phone", 1)):
            found = [
                name for name, (_, *contact) in self.users.items() if contact[place] and contact[place] == sale[place]
            ]
            if found:
                return min(found), by
        return None

    def links(self) -> Links:
        found = {event: self.link_of(sale) for event, sale in self.sales.items()}
        return {event: link for event, link in found.items() if link} | self.frozen

    def anonymise(self, event: str) -> None:
        link = self.link_of(self.sales.pop(event))
        if link:
            self.frozen[event] = link


_contact = st.tuples(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["", "p", "q"]))
_steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("users"), st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 28), _contact), max_size=4)
        ),
        st.tuples(st.just("sales"), st.lists(_contact, min_size=1, max_size=3)),
        st.tuples(st.just("anonymise"), st.integers(0, 5)),
        st.tuples(st.just("night"), st.none()),
    ),
    max_size=8,
)


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=_steps)
def test_any_order_of_arrivals_gives_the_links_of_the_rule(
    database_url: str, connection: Connection, landing: Path, steps: list[tuple[str, Any]]
) -> None:
    for table in ("user_conversions", "users", "conversions", "match_queue", "ingest_files"):
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier("trackai", table)))
    world = World()
    for number, (action, what) in enumerate(steps):
        if action == "users":
            # Two rows of one user and day are told apart by nothing, so they are not written.
            rows = [r for n, r in enumerate(what) if all(r[:2] != other[:2] for other in what[:n])]
            rows = [row for row in rows if row[1] != world.users.get(row[0], (0,))[0]]
            for name, day, (email, phone) in rows:
                if day > world.users.get(name, (0,))[0]:
                    world.users[name] = (day, email, phone)
            given_users = [
                {
                    "id": name,
                    "updated_at": f"2026-01-{day:02d}",
                    "email_hash": email and hashed(email),
                    "phone_hash": phone and hashed(phone),
                }
                for name, day, (email, phone) in rows
            ]
            load_all(database_url, landing, write_jsonl(landing / "acme" / f"users{number}.jsonl", *given_users))
        elif action == "sales":
            sales = []
            for place, (email, phone) in enumerate(what):
                event = f"{number}-{place}"
                world.sales[event] = (email, phone)
                hashes = {
                    "customer_email_hash": email and hashed(email),
                    "customer_phone_hash": phone and hashed(phone),
                }
                sales.append(sale_record(0, gateway_event_id=event, **hashes))
            load_all(database_url, landing, write_jsonl(landing / f"conversions{number}.jsonl", *sales))
        elif action == "anonymise" and world.sales:
            event = sorted(world.sales)[what % len(world.sales)]
            world.anonymise(event)
            _anonymise(connection, event)
        elif action == "night":
            assert refresh(connection, lambda: NOW) == Refreshed(), json.dumps(steps)
        assert links(connection) == world.links()
        assert wrong_links(connection)[1] == 0
