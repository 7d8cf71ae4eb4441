"""Clients: keys that are shown once, and what a server knows of them."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.database.connection import connect
from trackai_pipelines.flags.clients import NotAnOriginError, add_client, all_clients, key_hash, revoke_client
from trackai_pipelines.flags.keyring import Keyring

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
Add = Callable[..., str]


def _added(connection: Connection, slug: str = "acme", **more: object) -> tuple[int, str]:
    given = {"name": "checkout", "app_type": "web", "now": NOW, **more}
    return add_client(connection, tenant_id=f"t-{slug}", slug=slug, **given)  # type: ignore[arg-type]


def test_a_key_is_shown_once_and_its_hash_is_kept(connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme-shop")
    number, key = _added(connection, "acme-shop", allowed_origins=("https://shop.example",), per_second=5)
    prefix, slug, secret = key[:3], key[3:-44], key[-43:]
    assert (prefix, slug, len(secret)) == ("tf_", "acme-shop", 43)
    (kept,) = all_clients(connection)
    assert kept.key_sha256 == key_hash(key)
    assert (kept.id, kept.slug, kept.name, kept.app_type) == (number, "acme-shop", "checkout", "web")
    assert (kept.allowed_origins, kept.per_second, kept.created_at) == (["https://shop.example"], 5, NOW)
    row = connection.execute("SELECT c::text FROM trackai.feature_flag_clients c").fetchone()
    assert row is not None
    assert secret not in row[0]
    assert _added(connection, "acme-shop")[1] != key


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "http://localhost:5173", "capacitor://localhost", "http://[::1]:80"]
)
def test_origins_that_browsers_send_are_taken(connection: Connection, add_tenant: Add, origin: str) -> None:
    add_tenant("acme")
    assert _added(connection, allowed_origins=(origin,))


@pytest.mark.parametrize(
    "origin", ["", "*", "null", "shop.example", "https://a.example/", "https://A.example", "https://a b"]
)
def test_others_are_refused(connection: Connection, add_tenant: Add, origin: str) -> None:
    add_tenant("acme")
    with pytest.raises(NotAnOriginError, match="is not an origin"):
        _added(connection, allowed_origins=(origin,))
    assert all_clients(connection) == []


def test_commands_add_list_and_revoke(trackai: Callable[..., Result], connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    add_tenant("globex")
    added = trackai("flags", "client", "add", "acme", "--name", "page", "--app", "web", "--origin", "https://a.example")
    assert added.exit_code == 0, added.stderr
    key = added.stdout.strip()
    assert "shown this once" in added.stderr
    as_json = json.loads(
        trackai(
            "flags", "client", "add", "globex", "--name", "app", "--app", "mobile", "--per-second", "9", "--json"
        ).stdout
    )
    assert key_hash(as_json["key"]) == all_clients(connection, "t-globex")[0].key_sha256
    listed = trackai("flags", "client", "list", "acme").stdout
    assert "https://a.example" in listed
    assert key not in listed
    (one,) = all_clients(connection, "t-acme")
    assert one.key_sha256 == key_hash(key)
    both = json.loads(trackai("flags", "client", "list", "--json").stdout)["clients"]
    assert [(each["tenant"], each["per_second"]) for each in both] == [("acme", None), ("globex", 9)]

    revoked = trackai("flags", "client", "revoke", "acme", str(one.id))
    assert revoked.exit_code == 0
    first = all_clients(connection, "t-acme")[0].revoked_at
    assert first is not None
    trackai("flags", "client", "revoke", "acme", str(one.id))
    assert all_clients(connection, "t-acme")[0].revoked_at == first
    # A client is its tenant's.
    refused = trackai("flags", "client", "revoke", "globex", str(one.id))
    assert refused.exit_code == 1
    assert f"globex has no client {one.id}" in refused.stderr
    assert "There is no tenant hooli" in trackai("flags", "client", "list", "hooli").stderr


def test_a_server_learns_keys_while_it_runs(connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    ring = Keyring(lambda: nullcontext(connection), lambda: NOW)
    before = ring.known
    ring.look()
    assert (before, ring.known) == (False, True)
    number, key = _added(connection, allowed_origins=("https://a.example",))
    assert ring.find(key) is None
    ring.look()
    found = ring.find(key)
    assert found is not None
    assert (found.id, found.slug) == (number, "acme")
    assert ring.find(key[:-1]) is ring.find("") is ring.find("\ud800") is None
    assert ring.is_origin("https://a.example")
    assert not ring.is_origin("https://b.example")
    revoke_client(connection, "t-acme", number, NOW)
    ring.look()
    assert ring.find(key) == all_clients(connection)[0]
    assert not ring.is_origin("https://a.example")


def test_a_database_that_is_away_leaves_what_was_known(
    connection: Connection, database_url: str, add_tenant: Add
) -> None:
    add_tenant("acme")
    _, key = _added(connection)
    url = [database_url]
    ring = Keyring(lambda: connect(url[0]), lambda: NOW)
    ring.look()
    url[0] = "postgresql://nobody@127.0.0.1:1/nowhere"
    ring.look()
    client = ring.find(key)
    assert client is not None
    # What was used meanwhile is noted later.
    assert ring.wait_of(client, 0) == 0
    ring.look()
    assert all_clients(connection)[0].last_used_on is None
    url[0] = database_url
    ring.look()
    assert all_clients(connection)[0].last_used_on == date(2026, 3, 10)


def test_the_day_of_use_moves_forward_only(connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    _, key = _added(connection)
    now = [NOW]
    ring = Keyring(lambda: nullcontext(connection), lambda: now[0])
    ring.look()
    client = ring.find(key)
    assert client is not None
    for moment, noted in ((NOW + timedelta(days=1), date(2026, 3, 11)), (NOW, date(2026, 3, 11))):
        now[0] = moment
        ring.wait_of(client, 0)
        ring.look()
        assert all_clients(connection)[0].last_used_on == noted


def test_a_limit_is_a_burst_of_a_second_and_then_its_rate(connection: Connection, add_tenant: Add) -> None:
    add_tenant("acme")
    _, slow = _added(connection, per_second=2)
    _, free = _added(connection)
    ring = Keyring(lambda: nullcontext(connection), lambda: NOW)
    ring.look()
    limited, unlimited = ring.find(slow), ring.find(free)
    assert limited is not None
    assert unlimited is not None
    assert [ring.wait_of(limited, 100.0) for _ in range(4)] == [0, 0, 0.5, 0.5]
    assert ring.wait_of(limited, 100.25) == 0.25
    assert ring.wait_of(limited, 100.5) == 0
    # Nothing is saved up beyond a second's worth.
    assert [ring.wait_of(limited, 999.0) == 0 for _ in range(3)] == [True, True, False]
    assert {ring.wait_of(unlimited, 100.0) for _ in range(50)} == {0}
