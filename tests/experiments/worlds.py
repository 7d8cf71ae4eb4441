"""Random small worlds of tests, users and sales, whose times lie on the edges of everything.

What belongs here: drawing them, starting their tests, landing them, and reading what was computed. What does not: what
that should be (brute_force.py), and what arrives between nights (nights.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

from experiments import brute_force
from experiments.brute_force import DAY, Assigned, Facts, Outcome, Sale, Test
from experiments.shop import add_test
from experiments.world import hash_of
from ingest.landing_zone import KINDS, write_jsonl
from psycopg import Connection
from psycopg.rows import dict_row

from trackai_pipelines.experiments.creating import ChangedBy
from trackai_pipelines.experiments.life import StartTerms, change, start
from trackai_pipelines.ingest.load import load_paths

START = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
USERS = [f"u{number}" for number in range(28)] + ["zoë", "U-30"]
CONTACTS = [f"contact-{number}" for number in range(24)]
VALUES = ("0", "0.0001", "10", "49.99", "50", "120.5", "999999999999.9999")
CAPS = (None, "0.0001", "50", "120.5")
STRATEGIES = ("unmatched", "fbc", "email")

Shares = tuple[str, str, datetime]


class World:
    """What a tenant has: tests by their numbers, and facts that agree with the database once they are landed."""

    def __init__(self, chance: Random, tenant: str) -> None:
        self.chance, self.tenant = chance, tenant
        self.tests: dict[int, Test] = {}
        self.facts = Facts()
        self.moved_at = START

    def edge(self, moment: datetime) -> datetime:
        """Return a moment, or one a microsecond to either side of it."""
        return moment + self.chance.choice((-1, 0, 0, 1)) * TICK

    def between(self, first: datetime, last: datetime) -> datetime:
        """Return any moment of a range, often a midnight or next to one."""
        moment = first + self.chance.random() * (last - first)
        midnight = self.edge(moment.replace(hour=0, minute=0, second=0, microsecond=0))
        return midnight if self.chance.random() < 0.3 and midnight >= first else moment

    def draw_test(self, key: str) -> Test:
        """Return a test as it is when it starts."""
        chance = self.chance
        start_date, started_at = (START + chance.choice((0, 0, 7, 30)) * timedelta(hours=1) for _ in range(2))
        ends = max(start_date, started_at) + chance.choice((3, 5)) * DAY
        return Test(
            key=key,
            variants=("control", "a", "b", "c")[: chance.choice((2, 2, 3, 4))],
            start_date=start_date,
            end_date=chance.choice((None, None, ends, ends + timedelta(hours=5))),
            started_at=started_at,
            completed_at=None,
            window_days=chance.choice((1, 2, 3)),
            pre_days=chance.choice((0, 1, 3)),
            event=chance.choice(("Purchase", "Purchase", "Lead")),
            scope=chance.choice(("all", "attributed")),
            currency=chance.choice((None, "BRL", "BRL", "BRL")),
            cap=None,
        )

    def begin(self, connection: Connection[Any], key: str) -> None:
        """Create and start a test."""
        test = self.draw_test(key)
        if test.currency and (cap := self.chance.choice(CAPS)):
            test.cap = Decimal(cap)
        places = ("variant_a", "variant_b", "variant_c")
        number = add_test(
            connection,
            self.tenant,
            key,
            **dict(zip(places, test.variants[1:], strict=False)),
            start_date=test.start_date,
            end_date=test.end_date,
            window_days=test.window_days,
            pre_days=test.pre_days,
            outcome_event=test.event,
            outcome_scope=test.scope,
            sample_size=self.chance.choice((4, 12, 40)),
            created_at=START - 30 * DAY,
        )
        terms = StartTerms(currency=test.currency, revenue_cap=test.cap, capped=test.cap is not None)
        start(connection, self.tenant, key, ChangedBy(), test.started_at, terms)
        self.tests[number] = test

    def move(self, connection: Connection[Any], test: Test, action: Any, at: datetime) -> None:
        """Pause, resume, complete or archive a test, at a moment or as soon after it as moves have an order."""
        at = self.moved_at = max(at, self.moved_at + TICK)
        change(connection, self.tenant, test.key, action, ChangedBy(), at)
        self.note(test, action, at)

    def note(self, test: Test, action: str, at: datetime) -> None:
        """Note that a test was paused, resumed, completed or archived."""
        self.moved_at = max(at, self.moved_at)
        if action == "pause":
            test.pauses.append((at, None))
        elif test.pauses and test.pauses[-1][1] is None and action != "archive":
            test.pauses[-1] = (test.pauses[-1][0], at)
        if action == "complete":
            test.completed_at = at
        test.status = {"pause": "paused", "resume": "running"}.get(action, f"{action}d")

    def settled(self, user: str) -> bool:
        """Return whether nothing of a user changes any more, because outcomes stayed whose sales have no hashes."""
        return any(outcome.user == user for outcome in self.facts.stayed.values())

    def draw_user(self) -> tuple[str, str | None, str | None]:
        """Return a user's id, e-mail and phone. Some have neither, some share them."""
        chance = self.chance
        return (
            chance.choice(USERS),
            chance.choice((None, *CONTACTS)) if chance.random() < 0.8 else None,
            chance.choice(CONTACTS) if chance.random() < 0.2 else None,
        )

    def draw_assignment(self, test: Test, until: datetime) -> Shares | None:
        """Return a user, a variant and a time before `until`; None: of a user who is settled."""
        chance = self.chance
        edges = [test.start_date, test.started_at, test.end_date, test.completed_at, *sum(test.pauses, ())]
        at = self.edge(chance.choice([edge for edge in edges if edge is not None]))
        if at >= until or chance.random() < 0.6:
            at = self.between(min(START, until - DAY), until)
        user = chance.choice(USERS)
        known = brute_force.assigned(test, self.facts).get(user)
        variant = known.variant if known and chance.random() < 0.95 else chance.choice(test.variants)
        return None if self.settled(user) else (user, variant, at)

    def draw_sale(self, users: Sequence[tuple[Test, str, Assigned]], until: datetime) -> Sale:
        """Return a sale before `until`, mostly of an assigned user and at an edge of the user's windows."""
        chance = self.chance
        at, email, phone = self.between(START - 5 * DAY, until), chance.choice((None, *CONTACTS)), None
        if users and chance.random() < 0.85:
            analysed = [user for user in users if user[2].exclusion is None]
            test, user, known = chance.choice(analysed if analysed and chance.random() < 0.7 else users)
            window = test.window_days * DAY
            edges = (known.at, known.at + window, known.at + window / 2, known.at - test.pre_days * DAY)
            at = self.edge(chance.choice((*edges, test.start_date - test.pre_days * DAY)))
            if at >= until or chance.random() < 0.5:
                at = self.between(known.at - DAY, min(until, known.at + window + DAY / 4))
            email, phone = self.facts.users.get(user, (email, None))
        event = "Lead" if chance.random() < 0.25 else "Purchase"
        value = Decimal(chance.choice(VALUES)) if chance.random() < 0.4 else Decimal(chance.randrange(10**6)) / 10**4
        currency = "USD" if chance.random() < 0.15 else "BRL"
        without = event == "Lead" and chance.random() < 0.6
        return Sale(
            id=0,
            email=None if phone and chance.random() < 0.3 else email,
            phone=phone,
            event=event,
            value=None if without else value,
            currency=chance.choice((None, currency)) if without else currency,
            occurred_at=at,
        )

    def known_users(self) -> list[tuple[Test, str, Assigned]]:
        """Return all users of all tests."""
        return [
            (test, user, known)
            for test in self.tests.values()
            for user, known in sorted(brute_force.assigned(test, self.facts).items())
        ]


def land(url: str, folder: Path, drawn: Iterable[World], now: datetime, size: int = 20) -> None:
    """Draw users, assignments, exclusions and sales before a moment, and land them in files that all worlds share."""
    records: dict[str, list[dict[str, Any]]] = {}

    def add(file: str, world: World, **record: Any) -> None:
        filled = {name: value for name, value in record.items() if value is not None}
        records.setdefault(file, []).append({"tenant_id": world.tenant, **filled})

    for world in drawn:
        chance, facts = world.chance, world.facts
        for place in range(1, 2 * size + 1):
            user, email, phone = world.draw_user()
            hashes = {"email_hash": hash_of(email), "phone_hash": hash_of(phone)}
            add("users", world, id=user, **hashes, updated_at=(now + place * TICK).isoformat())
            facts.users[user] = (email, phone)
        for test in world.tests.values():
            for file in ("ab_assignments_1", "ab_assignments_2"):
                batch = [row for _ in range(size) if (row := world.draw_assignment(test, now))]
                facts.assignments[test.key].append(batch)
                # A row of a file may come once more in another.
                for user, variant, at in [*batch, *facts.assignments[test.key][0][:3]]:
                    shares = {"test_key": test.key, "user_id": user, "variant": variant}
                    add(file, world, **shares, assigned_at=at.isoformat())
        for user in chance.sample(USERS, size // 6):
            if not world.settled(user):
                add("excluded_users", world, user_id=user, reason="bot")
                facts.excluded.add(user)
        users = world.known_users()
        for _ in range(3 * size):
            sale = world.draw_sale(users, now)
            facts.sales.append(sale)
            add(
                "conversions",
                world,
                gateway="stripe",
                gateway_event_id=f"evt_{len(facts.sales) - 1}",
                event_name=sale.event,
                value=None if sale.value is None else str(sale.value),
                currency=sale.currency,
                occurred_at=sale.occurred_at.isoformat(),
                customer_email_hash=hash_of(sale.email),
                customer_phone_hash=hash_of(sale.phone),
            )
    shuffler = Random(now.toordinal())
    for file, rows in records.items():
        shuffler.shuffle(rows)
        write_jsonl(folder / f"{file}.jsonl", *rows)
    reports = load_paths(url, [folder], landing_dir=folder, kinds=KINDS, clock=lambda: now)
    assert not any(report.rejected for report in reports), reports


def find_sales(connection: Connection[Any], world: World) -> None:
    """Learn the numbers that the database gave to sales."""
    query = "SELECT gateway_event_id, id FROM trackai.conversions WHERE tenant_id = %s"
    numbers = dict(connection.execute(query, (world.tenant,)).fetchall())
    for place, sale in enumerate(world.facts.sales):
        sale.id = numbers[f"evt_{place}"]


def match(connection: Connection[Any], world: World, sale: Sale, at: datetime) -> None:
    """Match a sale, or match it again until a click is found: without one, the time of the first attempt stays."""
    if sale.strategy in (None, "unmatched"):
        sale.strategy = world.chance.choice(STRATEGIES)
        connection.execute(
            "INSERT INTO trackai.matched_attributions AS a (tenant_id, conversion_id, strategy, matched_at, attempts)"
            " VALUES (%(tenant)s, %(sale)s, %(strategy)s, %(at)s, 1) ON CONFLICT (tenant_id, conversion_id) DO UPDATE"
            " SET strategy = excluded.strategy, matched_at ="
            " CASE WHEN excluded.strategy = 'unmatched' THEN a.matched_at ELSE excluded.matched_at END",
            {"tenant": world.tenant, "sale": sale.id, "strategy": sale.strategy, "at": at},
        )


def anonymise(connection: Connection[Any], world: World, share: float, night: datetime, at: datetime) -> None:
    """Take the hashes of a share of the sales of which nothing arrived since a night; what it stored of them stays."""
    facts, chosen = world.facts, set()
    stored = {number: stored_outcomes(connection, world.tenant, number) for number in world.tests}
    now = {number: brute_force.outcomes(test, facts, night) for number, test in world.tests.items()}
    for sale in facts.sales:
        as_stored = all(stored[number].get(sale.id) == now[number].get(sale.id) for number in world.tests)
        if as_stored and world.chance.random() < share:
            chosen.add(sale.id)
    for number, test in world.tests.items():
        facts.stayed |= {(test.key, sale): row for sale, row in stored[number].items() if sale in chosen}
    facts.anonymised |= chosen
    connection.execute(
        "UPDATE trackai.conversions SET anonymised_at = %s, customer_email_hash = NULL, customer_phone_hash = NULL"
        " WHERE tenant_id = %s AND id = ANY (%s)",
        (at, world.tenant, list(chosen)),
    )


def stored_outcomes(connection: Connection[Any], tenant: str, test: int) -> dict[int, Outcome]:
    """Return the outcomes of a test as they are stored, by sale."""
    query = (
        "SELECT conversion_id, user_id, day, occurred_at, class, value, currency FROM trackai.ab_test_outcomes"
        " WHERE tenant_id = %s AND test_id = %s"
    )
    return {sale: Outcome(*row) for sale, *row in connection.execute(query, (tenant, test))}


def check(connection: Connection[Any], world: World, number: int, now: datetime, where: str) -> None:
    """Compare all that a night stored of a test with what the test comes to."""
    test, facts = world.tests[number], world.facts
    key = (world.tenant, number)
    compare(where, stored_outcomes(connection, *key), brute_force.outcomes(test, facts, now))
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM trackai.v_ab_test_account WHERE (tenant_id, test_id) = (%s, %s)", key)
        accounted = {
            (row["day"], row["class"], row["variant_name"]): (row["conversions"], row["value"], row["other_currency"])
            for row in cursor
        }
        compare(where, accounted, brute_force.account(test, facts, now))
        cursor.execute("SELECT * FROM trackai.ab_test_daily_health WHERE (tenant_id, test_id) = (%s, %s)", key)
        excluded = {row["day"]: row["excluded_users"] for row in cursor}
        compare(where, excluded, brute_force.excluded(test, facts, now))
        cursor.execute("SELECT * FROM trackai.ab_test_daily_totals WHERE (tenant_id, test_id) = (%s, %s)", key)
        totals = {
            (row["day"], row["population"], row["variant_name"]): {
                name: Fraction(value)
                for name, value in row.items()
                if isinstance(value, int | Decimal) and name != "test_id" and value
            }
            for row in cursor
        }
    expected = brute_force.totals(test, facts, now)
    without_zeros = {of_day: {name: value for name, value in row.items() if value} for of_day, row in expected.items()}
    compare(where, totals, without_zeros)


def compare(where: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
    """Fail with what was found and what should be, where they are not the same."""
    keys = [*expected, *(key for key in found if key not in expected)]
    both = {key: (found.get(key, "none"), expected.get(key, "none")) for key in keys}
    other = {key: pair for key, pair in both.items() if pair[0] != pair[1]}
    assert not other, (where, other)
