"""A small test whose rows agree with each other, by plain rows.

What belongs here: the rows of a test in the middle of its life and of one that is decided, with every class of outcome,
and the sums of both by plain Python. What does not: the production's statements, which tests compare with these.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lifecycle.old_rows import insert
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.experiments.designs import config_digest, design_of
from trackai_pipelines.experiments.periods import MARGIN

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LAST = date(2026, 3, 20)
"""The newest day that is computed."""
COMPUTED_AT = datetime(2026, 3, 21, 1, tzinfo=UTC)
NOW = COMPUTED_AT + timedelta(hours=7)
WINDOW = 14

# user, variant, time of assignment, and why the user is not analysed
USERS = (
    ("u1", "control", "2026-03-01T10:00", None),
    ("u2", "a", "2026-03-01T12:00", None),
    ("u3", "a", "2026-03-02T00:00", "conflicting_variants"),
    ("u4", "control", "2026-03-02T08:00", None),
    ("u5", "a", "2026-03-02T08:30", None),
    ("u6", "control", "2026-02-28T23:00", "outside_test_period"),
    ("u7", "a", "2026-03-02T09:00", "excluded_user"),
    ("u8", "control", "2026-03-05T09:30", None),
)
# conversion, user, time, value, currency, event, class, and how it was attributed and where its event is
SALES = (
    (1, "u1", "2026-02-20T12:00", 50, "BRL", "Purchase", "before_assignment", "fbc", "accepted"),
    (2, "u1", "2026-03-02T15:00", 100, "BRL", "Purchase", "counted", "fbc", "accepted"),
    (3, "u1", "2026-03-15T09:59", 30, "BRL", "Purchase", "counted", "fbp", "waiting"),
    (4, "u1", "2026-03-15T10:00", 35, "BRL", "Purchase", "after_window", "fbp", "accepted"),
    (5, "u2", "2026-03-03T10:00", 200, "BRL", "Purchase", "counted", "email", "failed"),
    (6, "u2", "2026-03-04T10:00", 40, "USD", "Purchase", "counted", "unmatched", "not due"),
    (7, "u3", "2026-03-03T10:00", 70, "BRL", "Purchase", "conflicting_variants", "fbc", "accepted"),
    (8, "u6", "2026-03-01T10:00", 80, "BRL", "Purchase", "outside_test_period", "fbc", "accepted"),
    (9, "u7", "2026-03-03T10:00", 500, "BRL", "Purchase", "excluded_user", "fbc", "accepted"),
    (10, "u8", "2026-03-06T10:00", 10, "BRL", "Lead", "other_event", "fbc", "accepted"),
    (11, "u4", "2026-03-05T10:00", 60, "BRL", "Purchase", "counted", "pending", "not due"),
)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def build(connection: Connection[Any], tenant: str) -> tuple[int, int]:
    """Put in `checkout`, which runs, and `banner`, which is decided for its variant a; return their numbers."""
    _users_and_sales(connection, tenant)
    checkout = add_test(connection, tenant, "checkout", status="running")
    banner = add_test(
        connection, tenant, "banner", status="completed", completed_at=START + 6 * DAY, hash_seed="banner"
    )
    for test in (checkout, banner):
        _assign(connection, tenant, test)
        _outcomes(connection, tenant, test)
        for row in totals():
            insert(connection, "ab_test_daily_totals", {"tenant_id": tenant, "test_id": test, **row})
        scan = {"scanned_to": COMPUTED_AT - MARGIN, "computed_to": LAST, "design": Jsonb({})}
        insert(connection, "ab_test_scans", {"tenant_id": tenant, "test_id": test, **scan})
    decision = {"tenant_id": tenant, "test_id": banner, "decided_at": COMPUTED_AT, "decision_day": LAST,
                "kind": "final", "outcome": "winner", "winner_variant": "a", "reason": "a is better.",
                "inputs": Jsonb({})}  # fmt: skip
    insert(connection, "ab_test_decisions", decision)
    put_results(connection, tenant, checkout, "so_far", None)
    put_results(connection, tenant, banner, "mature", "a")
    return checkout, banner


def add_test(connection: Connection[Any], tenant: str, key: str, **columns: Any) -> int:
    """A test of two variants over Purchases in BRL, started on the first of March."""
    row = {"tenant_id": tenant, "test_key": key, "name": key, "control_variant": "control", "variant_a": "a",
           "start_date": START, "started_at": START, "currency": "BRL", "sample_size": 1000, **columns}  # fmt: skip
    insert(connection, "ab_tests", row)
    found = connection.execute(
        "SELECT id FROM trackai.ab_tests WHERE tenant_id = %s AND test_key = %s", (tenant, key)
    ).fetchone()
    assert found is not None
    test = int(found[0])
    connection.execute(
        "UPDATE trackai.ab_tests SET config_digest = %s WHERE tenant_id = %s AND id = %s",
        (config_digest(design_of(connection, tenant, test)), tenant, test),
    )
    return test


def _users_and_sales(connection: Connection[Any], tenant: str) -> None:
    for user, *_ in USERS:
        if user != "u5":
            insert(connection, "users", {"tenant_id": tenant, "id": user, "email_hash": user[1:].zfill(64),
                                         "changed_at": START})  # fmt: skip
    insert(connection, "excluded_users", {"tenant_id": tenant, "user_id": "u7", "reason": "bot", "created_at": START})
    for number, user, at, value, currency, event, _, strategy, place in SALES:
        sale = {"tenant_id": tenant, "id": number, "gateway": "stripe", "gateway_event_id": f"e{number}",
                "occurred_at": moment(at), "created_at": moment(at), "value": value, "currency": currency,
                "event_name": event, "customer_email_hash": user[1:].zfill(64)}  # fmt: skip
        insert(connection, "conversions", sale)
        link(connection, tenant, number, user, linked_at=moment(at))
        of = {"tenant_id": tenant, "conversion_id": number}
        if strategy != "pending":
            connection.execute("DELETE FROM trackai.match_queue WHERE conversion_id = %s", [number])
            insert(connection, "matched_attributions", {**of, "strategy": strategy, "matched_at": moment(at)})
        connection.execute("DELETE FROM trackai.dispatch_queue WHERE conversion_id = %s", [number])
        if place == "waiting":
            insert(connection, "dispatch_queue", {**of, "occurred_at": moment(at)})
        elif place != "not due":
            attempt(connection, tenant, number, status="success" if place == "accepted" else "failed")


def link(connection: Connection[Any], tenant: str, conversion: int, user: str, linked_at: datetime) -> None:
    """A sale's user."""
    row = {"tenant_id": tenant, "conversion_id": conversion, "user_id": user}
    insert(connection, "user_conversions", {**row, "linked_by": "email", "linked_at": linked_at})


def attempt(connection: Connection[Any], tenant: str, conversion: int, **columns: Any) -> None:
    """An attempt to deliver a sale's event."""
    failed = {"failure": "too_old", "message": "It is too old."} if columns.get("status") == "failed" else {}
    row = {"tenant_id": tenant, "conversion_id": conversion, "event_id": f"event{conversion}", "attempt": 1,
           "created_at": NOW, "completed_at": NOW, **failed}  # fmt: skip
    insert(connection, "dispatch_attempts", {**row, **columns})


def _assign(connection: Connection[Any], tenant: str, test: int) -> None:
    for user, variant, at, _ in USERS:
        row = {"tenant_id": tenant, "test_id": test, "user_id": user, "variant_assigned": variant}
        insert(connection, "ab_test_assignments", {**row, "assigned_at": moment(at), "created_at": moment(at)})
    other = {"user_id": "u3", "variant_assigned": "control", "assigned_at": START + DAY, "created_at": START + DAY}
    insert(connection, "ab_test_reassignments", {"tenant_id": tenant, "test_id": test, **other})


def _outcomes(connection: Connection[Any], tenant: str, test: int) -> None:
    for number, user, at, value, currency, _, of_class, *_ in SALES:
        row = {"tenant_id": tenant, "test_id": test, "conversion_id": number, "user_id": user,
               "day": moment(at).date(), "occurred_at": moment(at), "class": of_class, "value": value,
               "currency": currency, "computed_at": COMPUTED_AT}  # fmt: skip
        insert(connection, "ab_test_outcomes", row)


_COUNTS = ("users_count", "converted_users", "conversions", "revenue", "revenue_conversions")
_OTHER_SUMS = (
    "mature_users", "unlinked_users", "attributed_users", "conversion_squares", "capped_revenue", "revenue_squares",
    "revenue_conversion_squares", "revenue_conversion_products", "pre_converted_users", "both_converted_users",
    "pre_conversions", "pre_conversion_squares", "conversion_products", "pre_revenue", "pre_revenue_squares",
    "revenue_products", "early_conversions", "early_conversion_squares", "late_conversions",
    "late_conversion_squares", "early_late_products",
)  # fmt: skip


def no_sums() -> dict[str, int]:
    """The sums of nobody."""
    return dict.fromkeys((*_COUNTS, *_OTHER_SUMS), 0)


def totals() -> Iterator[dict[str, Any]]:
    """Rows of totals of each day; sums that no identity reads are 0."""
    day = START.date()
    while day <= LAST:
        for population in ("so_far", "mature"):
            for variant in ("control", "a"):
                counts = sums(day, population, variant)
                yield {"day": day, "population": population, "variant_name": variant, **dict.fromkeys(_OTHER_SUMS, 0),
                       **counts, "computed_at": COMPUTED_AT}  # fmt: skip
        day += DAY


def sums(day: date, population: str, variant: str) -> dict[str, Any]:
    """What the users of a variant did by the end of a day."""
    until = day - timedelta(days=WINDOW) if population == "mature" else day
    users = {
        user for user, of, at, exclusion in USERS
        if of == variant and exclusion is None and moment(at).date() <= until
    }  # fmt: skip
    sales = [
        (user, value, currency) for _, user, at, value, currency, _, of_class, *_ in SALES
        if user in users and of_class == "counted" and (population == "mature" or moment(at).date() <= day)
    ]  # fmt: skip
    paid = [value for _, value, currency in sales if currency == "BRL"]
    counts = (len(users), len({user for user, *_ in sales}), len(sales), sum(paid), len(paid))
    return dict(zip(_COUNTS, counts, strict=True))


def put_results(connection: Connection[Any], tenant: str, test: int, population: str, winner: str | None) -> None:
    """The results of the last day."""
    for variant in ("control", "a"):
        counts = sums(LAST, population, variant)
        paid = counts.pop("revenue_conversions")
        average = round(Decimal(counts["revenue"]) / paid, 4) if paid else None
        row = {"tenant_id": tenant, "test_id": test, "variant_name": variant, **counts, "avg_order_value": average,
               "result_day": LAST, "population": population, "winner": variant == winner,
               "safe_to_act": winner is not None}  # fmt: skip
        insert(connection, "ab_test_results", row)


def put_figures(connection: Connection[Any], tenant: str, test: int, *populations: str) -> None:
    """Comparisons of the conversion rate of each day from the third on, bounded from the fifth on, and its health."""
    for number in range(2, (LAST - START.date()).days + 1):
        of = {"tenant_id": tenant, "test_id": test, "day": START.date() + number * DAY}
        excluded = {"conflicting_variants": {"a": 1}, "outside_test_period": {"control": 1}, "excluded_user": {"a": 1}}
        health = {"srm_p_value": 0.904, "excluded_users": Jsonb(excluded)}
        insert(connection, "ab_test_daily_health", {**of, **health, "computed_at": COMPUTED_AT})
        compared = {"metric": "conversion_rate", "estimator": "plain"}
        bounds = {"always_ci_lower": -0.5 / number, "always_ci_upper": 0.9 / number} if number > 3 else {}
        for population in populations:
            variants = {
                "control": {"estimate": 0.2},
                "a": {"estimate": 0.25, "difference": 0.05, "lift": 0.25, "lift_ci_lower": 0.05, "lift_ci_upper": 0.5,
                      "p_value": 0.00016, "p_value_adjusted": 0.00017, "probability_to_beat_control": 0.99996,
                      **bounds},
            }  # fmt: skip
            for variant, figures in variants.items():
                row = {**of, **compared, "population": population, "variant_name": variant, **figures}
                insert(connection, "ab_test_daily_results", row)
