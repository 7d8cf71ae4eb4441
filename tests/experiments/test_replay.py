"""`trackai experiments replay`: a past night is computed again from what had arrived by then, whatever came since."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from experiments.shop import START, add_test
from experiments.world import assign, exclude, match, put_sale, put_user
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.experiments.as_known import DayFigures, replay, stored_day
from trackai_pipelines.experiments.computing import compute_tests
from trackai_pipelines.experiments.creating import ChangedBy
from trackai_pipelines.experiments.deciding import Decided
from trackai_pipelines.experiments.designs import read_design
from trackai_pipelines.experiments.life import Action, StartTerms, change, start
from trackai_pipelines.experiments.results import decision_in_force

Run = Callable[..., Result]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS = 10
KEYS = ("checkout", "banner")
_CHANGES: dict[int, tuple[str, Action]] = {
    2: ("checkout", "pause"),
    3: ("checkout", "resume"),
    7: ("banner", "complete"),
}


@dataclass(frozen=True)
class Night:
    """What a night stored of a test's day."""

    key: str
    day: date
    at: datetime
    stored: DayFigures
    decided: Decided | None


def _add_tests(connection: Connection[Any], tenant: str) -> dict[str, int]:
    settings = {"window_days": 2, "pre_days": 3, "currency": "BRL", "sample_size": 36}
    more: dict[str, dict[str, object]] = {"checkout": {}, "banner": {"outcome_scope": "attributed", "variant_b": "b"}}
    tests = {key: add_test(connection, tenant, key, **settings, **more[key]) for key in KEYS}
    for key in KEYS:
        start(connection, tenant, key, ChangedBy(), START, StartTerms(revenue_cap=Decimal(90)))
    return tests


def _a_day(connection: Connection[Any], tenant: str, tests: dict[str, int], number: int, random: Random) -> None:
    """Let rows arrive over a UTC day: some of what they say happened before."""
    began = START + number * DAY

    def moment() -> datetime:
        return began + HOUR + timedelta(seconds=random.randrange(22 * 3600))

    for place in range(8):
        # Of two users with one e-mail address the lower id is linked, whichever came first.
        user, contact = f"{random.choice('ab')}{number}-{place}", f"mail{number - random.randrange(3)}-{place}"
        assigned_at, arrived = moment(), moment()
        if random.random() < 0.8:
            put_user(connection, tenant, user, contact if random.random() < 0.8 else None, arrived)
        for key, test in tests.items():
            variants = ("control", "a") if key == "checkout" else ("control", "a", "b")
            if random.random() < 0.8:
                assign(connection, tenant, test, user, random.choice(variants), assigned_at, arrived)
        for _ in range(random.choice((0, 1, 1, 2))):
            strategy = random.choice(("fbc", "unmatched", None))
            sold = {
                "value": Decimal(random.randrange(10, 120)),
                "currency": random.choice(("BRL", "BRL", "BRL", "USD")),
            }
            sold_at = min(assigned_at - HOUR * random.randrange(-30, 10), arrived)
            put_sale(connection, tenant, contact, sold_at, arrived, strategy=strategy, **sold)
    # Of earlier days: what was given again, matched, or excluded.
    for test in tests.values():
        known = connection.execute(
            "SELECT a.user_id, num_nonnulls(u.email_hash) FROM trackai.ab_test_assignments a"
            " LEFT JOIN trackai.users u ON u.id = a.user_id WHERE a.test_id = %s ORDER BY a.user_id",
            [test],
        ).fetchall()
        for user, has_hash in random.sample(known, min(len(known), 3)):
            if not has_hash:
                put_user(connection, tenant, user, f"mail{user[1:]}", moment())
            assign(connection, tenant, test, user, random.choice(("control", "a")), moment() - DAY, moment())
    user, _ = random.choice(known)
    if connection.execute("SELECT FROM trackai.excluded_users WHERE user_id = %s", [user]).fetchone() is None:
        exclude(connection, tenant, user, moment())
    waiting = connection.execute(
        "SELECT c.id FROM trackai.conversions c LEFT JOIN trackai.matched_attributions a ON a.conversion_id = c.id"
        " WHERE coalesce(a.strategy, 'unmatched') = 'unmatched' ORDER BY c.id"
    ).fetchall()
    for (sale,) in random.sample(waiting, min(len(waiting), 3)):
        match(connection, tenant, sale, "fbp", moment())


def _nights(connection: Connection[Any], tenant: str) -> list[Night]:
    """Let days pass and compute after each; keep what was stored of the last day and of an earlier one."""
    random, nights = Random(20_260_301), []
    tests = _add_tests(connection, tenant)
    for number in range(DAYS):
        _a_day(connection, tenant, tests, number, random)
        if number in _CHANGES:
            key, action = _CHANGES[number]
            change(connection, tenant, key, action, ChangedBy(), START + number * DAY + 15 * HOUR)
        at = START + (number + 1) * DAY + HOUR
        for one in compute_tests(connection, at):
            decided = decision_in_force(connection, one.design)
            for back in (0, 3)[: 1 + number % 2]:
                day = one.to_day - back * DAY
                if day >= START.date() and (stored := stored_day(connection, one.design, day)):
                    nights.append(Night(one.design.test_key, day, at, stored, decided))
    return nights


@pytest.mark.slow
def test_each_past_night_is_what_was_stored(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """Also after sales were anonymised, which takes the hashes that linked them."""
    tenant = add_tenant("acme")
    nights = _nights(connection, tenant)
    # The world is rich enough.
    assert {type(night.decided) for night in nights} == {Decided, type(None)}
    last = nights[-1].stored
    assert {"conflicting_variants", "excluded_user"} <= set(last.health["excluded_users"])
    now = START + (DAYS + 1) * DAY
    changed = 0
    for turn in range(2):
        for night in nights[turn :: 2 + 3 * turn]:
            found = replay(connection, read_design(connection, tenant, night.key), night.day, night.at, now)
            assert found.then.totals == night.stored.totals, (night.key, night.day, night.at)
            assert found.then.results == night.stored.results, (night.key, night.day, night.at)
            assert found.then.health == night.stored.health, (night.key, night.day, night.at)
            assert night.decided is None or found.standing == night.decided
            assert found.unknown is None
            changed += found.now != found.then
            assert found.now == found.then or found.since
        if not turn:
            connection.execute(
                "UPDATE trackai.conversions SET customer_email_hash = NULL, anonymised_at = %s WHERE occurred_at < %s",
                (now - HOUR, START + 5 * DAY),
            )
    assert changed > len(nights) / 4


@pytest.fixture
def shop(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A night, after which a row of every kind arrives."""
    tenant = add_tenant("acme")
    test = add_test(connection, tenant, "checkout", currency="BRL", sample_size=10)
    start(connection, tenant, "checkout", ChangedBy(), START, StartTerms(capped=False))
    for place in range(6):
        user = f"u{place}"
        put_user(connection, tenant, user, user, START)
        assign(connection, tenant, test, user, "a" if place % 2 else "control", START + HOUR, START + HOUR)
        put_sale(connection, tenant, user, START + 2 * HOUR, START + 3 * HOUR)
    assign(connection, tenant, test, "u6", "a", START + HOUR, START + HOUR)
    late = put_sale(connection, tenant, "u6", START + 2 * HOUR, START + 3 * HOUR)
    list(compute_tests(connection, START + DAY + HOUR))
    since = START + DAY + 2 * HOUR
    put_user(connection, tenant, "u6", "u6", since)
    put_user(connection, tenant, "u5", "somebody else", since)
    put_sale(connection, tenant, "u1", START + 4 * HOUR, since)
    match(connection, tenant, late - 6, "fbc", since)
    assign(connection, tenant, test, "u7", "control", START + HOUR, since)
    assign(connection, tenant, test, "u0", "a", START + HOUR, since)
    exclude(connection, tenant, "u2", since)
    list(compute_tests(connection, START + 2 * DAY + HOUR))
    return tenant


def test_what_came_since_is_listed(trackai: Run, connection: Connection[Any], shop: str) -> None:
    command = ("experiments", "replay", "checkout", "--tenant", "acme", "--day", "2026-03-01", "--known-at")
    result = trackai(*command, "2026-03-02T01:00")
    assert result.exit_code == 0, result.output
    first, *_ = result.stdout.splitlines()
    assert first.startswith("checkout   day 2026-03-01 as known at 2026-03-02 01:00 UTC   waiting: 3 and 4 of 5 users")
    table = {tuple(line.split()[:3]): line.split()[3:7] for line in result.stdout.splitlines()}
    # What only the old hash of u5 linked is lost; u6 had not been linked yet.
    assert table["so_far", "a", "then"] == ["4", "2", "2", "20.00"]
    health = "  users not analysed: 0 then, 2 now; p of the split: 0.71 then, 0.41 now; "
    assert any(line.startswith(health) for line in result.stdout.splitlines())
    lines = [line for line in result.stdout.splitlines() if line.startswith("  ") and "since" in line]
    assert [line.split(" since ")[0].strip() for line in lines[:-1]] == [
        "1 sale arrived",
        "1 sale that was there was linked with its user",
        "1 sale that was there was matched with a click",
        "1 assignment arrived",
        "1 assignment that changes an earlier one arrived",
        "1 user was excluded",
        "1 user became known",
    ]
    assert lines[4].endswith("(u0 to a)")
    assert "Not known any more: 1 user's hashes were replaced since (u5)." in lines[-1]
    plain = json.loads(trackai(*command, "2026-03-02T01:00", "--json").stdout)
    assert plain["replaced_users"]["examples"] == ["u5"]
    assert {one["kind"]: one["rows"] for one in plain["since"]} == dict.fromkeys(
        ("sales", "links", "matches", "assignments", "reassignments", "exclusions", "users"), 1
    )
    then = {(one["population"], one["variant"]): one["totals"] for one in plain["then"]["variants"]}
    assert then["so_far", "control"]["conversions"] == 3
    assert then["so_far", "a"]["unlinked_users"] == 1
    assert plain["now"]["health"]["excluded_users"] == {
        "conflicting_variants": {"control": 1},
        "excluded_user": {"control": 1},
    }


def test_days_that_are_not_known_are_refused(trackai: Run, connection: Connection[Any], shop: str) -> None:
    refused = [
        ("2026-03-01", "2126-03-02", "is in the future"),
        ("2026-03-01", "2026-02-02", "had not started by 2026-02-02 00:00 UTC"),
        ("2026-02-01", "2026-03-02", "its first one is 2026-03-01"),
        ("2026-03-02", "2026-03-02T23:00", "the last day that was over at 2026-03-02 23:00 UTC is 2026-03-01"),
    ]
    for day, known_at, reason in [*refused, ("2026-03-01", "2026-03-02T01:00", "have left for the archive")]:
        if "left" in reason:
            connection.execute("DELETE FROM trackai.ab_test_assignments")
        arguments = ("--tenant", "acme", "--day", day, "--known-at", known_at)
        assert reason in _refusal(trackai("experiments", "replay", "checkout", *arguments))


def test_days_of_which_rows_have_left_are_named(trackai: Run, connection: Connection[Any], shop: str) -> None:
    """Of sales before the test, too; what is of days after the one that is asked for is not missing."""
    days = [f"2026-02-{day}" for day in range(23, 28)] + ["2026-03-02"]
    connection.execute(
        "INSERT INTO trackai.archives (table_name, day, part, state, path, rows, bytes, sha256, checksum, first_row_at,"
        " last_row_at, verified_at, keep_until, dropped_at)"
        " SELECT 'ab_test_outcomes', d, 1, 'dropped', d::text, 1, 1, repeat('0', 64), 'c', d, d, d, d, d"
        " FROM unnest(%s::date[]) d",
        (days,),
    )
    missing = (
        "checkout cannot be computed again up to 2026-03-01: rows have left for the archive, ab_test_outcomes of"
        " 2026-02-23, 2026-02-24, 2026-02-25 and 2 more days. `trackai restore ab_test_outcomes 2026-02-23` brings a"
        " day back."
    )
    replayed = ("replay", "checkout", "--tenant", "acme", "--day", "2026-03-01", "--known-at", "2026-03-02T01:00")
    assert missing in _refusal(trackai("experiments", *replayed))
    tried = ("what-if", "checkout", "--tenant", "acme", "--window-days", "7")
    assert "2026-02-25 and 3 more days" in _refusal(trackai("experiments", *tried))
    connection.execute("UPDATE trackai.archives SET state = 'restored' WHERE day < '2026-03-01'")
    assert trackai("experiments", *replayed).exit_code == 0
    assert "ab_test_outcomes of 2026-03-02." in _refusal(trackai("experiments", *tried))


def _refusal(result: Result) -> str:
    assert result.exit_code == 2
    return " ".join(result.output.replace("│", "").split())
