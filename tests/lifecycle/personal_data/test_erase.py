"""Erasing a person: nothing of them is left, and everything else is as it was."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from declared import CLICKS, MATCH_LOG
from lifecycle.erase_world import (
    AT_LONG_AGO,
    LONG_AGO,
    NOW,
    YESTERDAY,
    AddTenant,
    Person,
    World,
    assert_erased,
    insert,
    leaks,
    of_others,
    populated,
    traces,
)
from psycopg import Connection, sql

from trackai_pipelines.database.partitions import detach_partition
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.drop import drop_day
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.restore import restore_day
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.erase import Erasure, erase, find
from trackai_pipelines.match_rates.aggregate import aggregate_days
from trackai_pipelines.matching.drain import drain
from trackai_pipelines.matching.log import account_for as account_for_matching
from trackai_pipelines.matching.log import log_agreement


@pytest.fixture
def world(connection: Connection, database_url: str, tmp_path: Path) -> World:
    return World(connection, database_url, tmp_path)


def test_nothing_of_the_person_is_left_and_all_else_is_as_it_was(
    world: World, connection: Connection, add_tenant: AddTenant
) -> None:
    acme, ann, others = populated(world, add_tenant)
    refused = world.refused_of(acme, ann)
    drain(connection, run_id="new")
    run, others_run = world.dry_run("acme", ann), [world.dry_run("acme", others[0]), world.dry_run("other", ann)]
    first, last = LONG_AGO - timedelta(days=1), NOW.date()
    before_rates = [*aggregate_days(connection, first, last)]
    tables, files = world.tables(), world.archived()
    assert {"clicks", "match_log", "ingest_rejects"} <= files.keys()
    assert traces(world, acme, ann) == ann.secrets - {ann.email, ann.phone}
    there = find(connection, world.store, DOMAINS, acme, email_hash=ann.email_hash, dry_runs=world.dry_runs)
    assert world.tables() == tables, "finding changes nothing"
    erased = world.erase(acme, ann)
    assert there == Erasure(conversions=4, identities=2, clicks=3, archived_clicks=3, rejects=4, dry_runs=1, archives=3)
    assert erased == Erasure(**{**vars(there), "events": 3})
    assert_erased(world, acme, ann)
    assert not run.exists()
    assert all(path.exists() for path in others_run)
    # All else.
    after, after_files = world.tables(), world.archived()
    changing = {"erasures", "archives", "dispatch_circuits", "ingest_rejects"}
    for table in tables.keys() - changing:
        assert of_others(after[table], table, acme, ann) == of_others(tables[table], table, acme, ann), table
    for table, rows in files.items():

        def others_rows(found: list[dict[str, Any]], table: str = table) -> list[str]:
            theirs = [row for row in of_others(found, table, acme, ann) if ann.email_hash not in str(row)
                      and "erased" not in str(row)]  # fmt: skip
            return sorted(map(str, theirs))

        assert others_rows(after_files[table]) == others_rows(rows), table
        assert len(after_files[table]) == len(rows)
    rejects = {row["id"]: row for row in after["ingest_rejects"]}
    for row in tables["ingest_rejects"]:
        if row["id"] not in refused:
            assert rejects[row["id"]] == row
        else:
            assert rejects[row["id"]]["payload"] is None
            assert (rejects[row["id"]]["reason"] == row["reason"]) == (ann.stand_in not in row["reason"])
            assert rejects[row["id"]]["digest"] == row["digest"]
    # The person's rows are there, and still tell what was sold and matched.
    kept = {row["id"]: row for row in after["conversions"]}
    gone = ("customer_email_hash", "customer_phone_hash", "customer_information", "client_ip", "client_user_agent",
            "fbclid", "fbc", "fbp", "event_source_url")  # fmt: skip
    for row in tables["conversions"]:
        if row["tenant_id"] == acme and row["id"] in ann.rows["conversions"]:
            stamp = kept[row["id"]]["anonymised_at"]
            assert stamp is not None
            assert kept[row["id"]] == {**row, **dict.fromkeys(gone), "anonymised_at": stamp}
    open_keys = {"open_click_key": None, "open_browser_key": None, "open_email_key": None}
    for old, new in zip(tables["matched_attributions"], after["matched_attributions"], strict=True):
        assert new == (old if new == old else {**old, **open_keys})
    assert [*aggregate_days(connection, first, last)] == before_rates
    # What is recorded is nothing but counts.
    record = connection.execute("SELECT tenant_id, changed FROM trackai.erasures").fetchall()
    assert record == [(acme, vars(erased))]


def test_the_checks_still_pass_and_nothing_is_sent(
    world: World, connection: Connection, add_tenant: AddTenant, database_url: str
) -> None:
    from delivery.scenes import send_due

    from trackai_pipelines.capi_sandbox.server import sandbox

    acme, ann, _ = populated(world, add_tenant)
    drain(connection, run_id="new")
    assert world.erase(acme, ann).events == 3
    with sandbox() as box:
        send_due(database_url, box.base_url)
        sent = json.dumps(box.payloads("1001"))
        assert leaks(sent, ann) == set()
        assert box.pixel("1001").refused == 0
    failures = connection.execute(
        "SELECT conversion_id, failure, message FROM trackai.dispatch_attempts WHERE tenant_id = %s AND failure ="
        " 'erased'",
        (acme,),
    ).fetchall()
    assert {sale for sale, _, _ in failures} < ann.rows["conversions"]
    assert all("was erased before the event was sent" in message for _, _, message in failures)
    assert account_for(connection).unexplained == 0
    accounts = account_for_matching(connection, NOW.date() - timedelta(days=7))
    assert (accounts.unaccounted, accounts.doubled) == (0, 0)
    for day in (NOW.date(), YESTERDAY.date()):
        agreement = log_agreement(connection, day)
        assert (agreement.without_log, agreement.without_attribution) == (0, 0)


@pytest.mark.parametrize("named", [{"phone_hash"}, {"email_hash", "phone_hash"}])
def test_by_phone_as_well(world: World, add_tenant: AddTenant, named: set[str]) -> None:
    acme, ann, _ = populated(world, add_tenant)
    world.refused_of(acme, ann)
    drain(world.connection, run_id="new")
    world.erase(acme, ann, **{name: getattr(ann, name) for name in named})
    assert_erased(world, acme, ann)


def test_a_second_time_finds_nothing_and_records_nothing(world: World, add_tenant: AddTenant) -> None:
    acme, ann, _ = populated(world, add_tenant)
    world.erase(acme, ann)
    before = world.tables(), world.archived()
    assert world.erase(acme, ann).nothing
    assert world.erase(acme, Person("nobody", 77)).nothing
    assert world.erase("t-nowhere", ann).nothing
    assert (world.tables(), world.archived()) == before
    with pytest.raises(ValueError, match="nobody was named"):
        erase(world.connection, world.store, DOMAINS, acme)


def test_loading_again_does_not_bring_it_back(world: World, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    ann = Person("ann", 1)
    clicked = world.click(acme, ann, NOW, fbp="new", clid="new", external_id="row:1")
    world.identity(acme, ann, external_id="row:2", click_id=clicked)
    world.sale(acme, ann, "new", NOW)
    world.erase(acme, ann)
    before = world.tables()
    for table, key in (("clicks", "fbclid"), ("identities", "email_hash")):
        again = sql.SQL(
            "INSERT INTO {table} (tenant_id, external_id, {key}) SELECT tenant_id, external_id, repeat('a', 64) "
            "FROM {table} ON CONFLICT DO NOTHING"
        )
        connection.execute(again.format(table=sql.Identifier("trackai", table), key=sql.Identifier(key)))
    assert world.tables() == before


def test_rows_in_their_grace_and_restored_ones_change_in_both_places(
    world: World, connection: Connection, add_tenant: AddTenant
) -> None:
    acme = add_tenant("acme")
    ann, bob = Person("ann", 1), Person("bob", 2)
    for person in (ann, bob):
        world.life_of(acme, person)
    drain(connection, run_id="old", clock=lambda: AT_LONG_AGO + timedelta(hours=5))
    world.archive("clicks", LONG_AGO, drop=False)
    world.archive("clicks", LONG_AGO + timedelta(days=1), drop=True)
    restore_day(connection, world.url, world.store, CLICKS, LONG_AGO + timedelta(days=1), keep=timedelta(days=30))
    assert [archive.state for archive in archives(connection, "clicks")] == ["verified", "restored"]
    world.erase(acme, ann)
    assert_erased(world, acme, ann)
    # The grace is over: exactly the archived rows leave, and come back as they are now.
    (verified,) = archives(connection, "clicks", states=["verified"])
    stayed = world.tables()["clicks"]
    drop_day(connection, world.store, CLICKS, verified, clock=lambda: datetime.now(UTC) + timedelta(seconds=1))
    restore_day(connection, world.url, world.store, CLICKS, LONG_AGO, keep=timedelta(days=30))
    assert world.tables()["clicks"] == stayed


@pytest.mark.parametrize("place", ["attached", "detached", "archived", "restored"])
def test_the_log_leads_to_clicks_that_have_left(
    world: World, connection: Connection, add_tenant: AddTenant, place: str
) -> None:
    acme = add_tenant("acme")
    ann = Person("ann", 1)
    # The sale has no key of its own any more: only the log knows its click.
    world.click(acme, ann, AT_LONG_AGO, fbp="old", clid="old")
    sale = world.sale(acme, ann, "old", AT_LONG_AGO + timedelta(hours=1), fbp=ann.key("fbp-old"))
    world.settle(log=place in ("archived", "restored"))
    if place == "detached":
        detach_partition(connection, "match_log", LONG_AGO)
    elif place == "restored":
        restore_day(connection, world.url, world.store, MATCH_LOG, LONG_AGO, keep=timedelta(days=30))
    connection.execute("UPDATE trackai.conversions SET fbp = NULL, anonymised_at = now() WHERE id = %s", (sale,))
    assert world.erase(acme, ann).archived_clicks == 1
    assert_erased(world, acme, ann)


def test_an_archive_below_a_folder_of_any_name(
    connection: Connection, database_url: str, add_tenant: AddTenant, tmp_path: Path
) -> None:
    acme = add_tenant("acme")
    world = World(connection, database_url, tmp_path / "it's [a] *?{b} folder")
    ann = Person("ann", 1)
    world.life_of(acme, ann)
    world.settle()
    assert world.erase(acme, ann).archived_clicks == 3
    assert_erased(world, acme, ann)


def test_what_waits_for_a_click_waits_no_longer(world: World, connection: Connection, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme", email_matching=True)
    ann = Person("ann", 1)
    key = ann.key("clid-later")
    sale = world.sale(acme, ann, "new", YESTERDAY, fbc=f"fb.1.1700000000000.{key}", fbp=ann.key("fbp-later"))
    pending = world.sale(acme, ann, "pending", YESTERDAY, fbc=f"fb.1.1700000000000.{key}")
    connection.execute("DELETE FROM trackai.match_queue WHERE conversion_id = %s", (pending,))
    drain(connection, run_id="new")
    connection.execute("INSERT INTO trackai.match_queue (tenant_id, conversion_id) VALUES (%s, %s)", (acme, pending))
    world.erase(acme, ann)
    insert(connection, "clicks", {"tenant_id": acme, "fbclid": key, "created_at": YESTERDAY - timedelta(hours=1)})
    drain(connection, run_id="later")
    found = connection.execute(
        "SELECT conversion_id, strategy, num_nonnulls(open_click_key, open_browser_key, open_email_key)"
        " FROM trackai.matched_attributions"
    ).fetchall()
    assert sorted(found) == sorted([(sale, "unmatched", 0), (pending, "unmatched", 0)])


def test_short_keys_and_parts_of_addresses_are_not_quotes(world: World, add_tenant: AddTenant) -> None:
    acme = add_tenant("acme")
    ann = Person("ann", 1)
    world.sale(acme, ann, "new", NOW, fbclid="test", client_ip="1.2.3.4", fbp="fb.1.1700000000000.55")
    quoting = [
        world.reject(acme, {"ip": "1.2.3.4"}, "a"),
        world.reject(acme, "client 1.2.3.4, port 80", "b"),
        world.reject(acme, {"cookie": "_fbp=fb.1.1700000000000.55; x=1"}, "c"),
    ]
    others = [
        world.reject(acme, {"ip": "11.2.3.4", "v": "1.2.3.45"}, "a test"),
        world.reject(acme, {"fbp": "fb.1.1700000000000.551"}, "a"),
        world.reject("t-elsewhere", {"ip": "1.2.3.4"}, "another tenant's"),
    ]
    assert world.erase(acme, ann).rejects == 3
    kept = world.connection.execute("SELECT id FROM trackai.ingest_rejects WHERE payload IS NOT NULL ORDER BY id")
    assert [reject for (reject,) in kept] == others
    assert quoting


def test_archives_that_are_no_folder(
    connection: Connection, database_url: str, add_tenant: AddTenant, tmp_path: Path
) -> None:
    acme = add_tenant("acme")
    world = World(connection, database_url, tmp_path)
    world.store = open_store("memory://trackai-erase/archive")
    ann, bob = Person("ann", 1), Person("bob", 2)
    for person in (ann, bob):
        world.life_of(acme, person)
    world.settle()
    assert world.erase(acme, ann).archived_clicks == 3
    rows = [row for archive in archives(connection, "clicks") for row in _rows_of(world.store, archive.path)]
    assert len(rows) == 6
    assert leaks(json.dumps(rows, default=str), ann) == set()
    assert len(world.store.fs.find(world.store.full("clicks"))) == len(archives(connection, "clicks"))


def _rows_of(store: Store, path: str) -> list[dict[str, Any]]:
    with store.open(path) as file:
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return found
