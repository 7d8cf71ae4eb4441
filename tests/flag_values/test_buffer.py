"""Checks that fold into rows: which, for how long, and what happens when there are too many."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flag_values.checks import NOON, SetClock, check
from flag_values.reference import vectors

from trackai_pipelines.flag_values.buffer import SECOND, Buffer, Check, UsageRow

VECTORS = vectors("usage")


def nanoseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def counted(rows: Iterable[UsageRow]) -> Counter[str | None]:
    return sum((Counter({row.check.user_id: row.checks}) for row in rows), Counter())


def test_the_checks_of_the_vectors_fold_to_their_rows() -> None:
    clock = SetClock()
    buffer = Buffer(fold_seconds=VECTORS["fold_seconds"], clock=clock)
    for made in VECTORS["checks"]:
        clock.now = nanoseconds(made["accessed_at"])
        common = {name: made[name] for name in ("app_type", "variant_key", "value_used", "reason", "error_code")}
        buffer.add(check(made["user_id"], **common), clock.now - made["response_us"] * 1000, hit=made["cache_hit"])

    found = [
        {
            "tenant": "acme",
            "flag": "theme",
            **{name: getattr(row.check, name) for name in ("user_id", "app_type", "variant_key", "value_used")},
            "reason": row.check.reason,
            "error_code": row.check.error_code,
            "accessed_at": row.first_at,
            "last_accessed_at": row.last_at,
            "checks": row.checks,
            "cache_hits": row.cache_hits,
            "response_us": row.nanoseconds // 1000,
        }
        for row in buffer.take().rows
    ]

    times = ("accessed_at", "last_accessed_at")
    assert found == [{**row, **{name: nanoseconds(row[name]) for name in times}} for row in VECTORS["rows"]]


def test_a_row_takes_checks_for_the_fold_and_not_a_nanosecond_longer() -> None:
    clock = SetClock()
    buffer = Buffer(fold_seconds=5, clock=clock)
    for later in (0, 5 * SECOND - 1, 5 * SECOND):
        clock.now = NOON + later
        buffer.add(check(), clock.now)
    assert [(row.first_at - NOON, row.last_at - NOON, row.checks) for row in buffer.take().rows] == [
        (0, 5 * SECOND - 1, 2),
        (5 * SECOND, 5 * SECOND, 1),
    ]


def test_midnight_divides_rows_to_the_nanosecond() -> None:
    midnight = NOON + 12 * 3600 * SECOND
    clock = SetClock(midnight - 1)
    buffer = Buffer(clock=clock)
    buffer.add(check(), clock.now)
    clock.now = midnight
    buffer.add(check(), clock.now)
    assert [(row.first_at, row.last_at) for row in buffer.take().rows] == [(midnight - 1,) * 2, (midnight,) * 2]


def test_a_clock_that_is_set_back_begins_a_row() -> None:
    clock = SetClock()
    buffer = Buffer(clock=clock)
    buffer.add(check(), clock.now)
    clock.now = NOON - 3600 * SECOND
    buffer.add(check(), clock.now)
    rows = buffer.take().rows
    assert [row.checks for row in rows] == [1, 1]
    assert all(row.first_at <= row.last_at for row in rows)


def test_whatever_tells_checks_apart_keeps_them_apart() -> None:
    clock = SetClock()
    buffer = Buffer(clock=clock)
    others: dict[str, Any] = {
        "tenant_id": "t-globex",
        "flag_id": 2,
        "flag_version": 2,
        "override_version": 3,
        "user_id": "u2",
        "app_type": "mobile",
        "variant_key": "a",
        "user_segment": "staff",
        "reason": "SPLIT",
        "error_code": "GENERAL",
        "value_used": False,
    }
    assert set(others) == set(Check._fields)
    buffer.add(check(), clock.now)
    for name, value in others.items():
        buffer.add(check()._replace(**{name: value}), clock.now)
    assert [row.checks for row in buffer.take().rows] == [1] * (1 + len(others))


def test_the_first_check_says_bucket_device_and_request() -> None:
    clock = SetClock()
    buffer = Buffer(clock=clock)
    buffer.add(check(), clock.now, bucket=17, device={"os": "iOS", "mail": "ana@example.com"}, request_id="r-1")
    buffer.add(check(), clock.now, bucket=18, device={"os": "Android"}, request_id="r-2")
    (row,) = buffer.take().rows
    assert (row.bucket, row.request_id) == (17, "r-1")
    assert json.loads(row.device_info or "") == {"os": "iOS", "mail": "[e-mail masked]"}


def test_beyond_the_bound_users_are_left_out_and_then_checks_are_lost_and_counted() -> None:
    clock = SetClock()
    buffer = Buffer(keys=3, overflow_keys=2, clock=clock)
    for number in range(10):
        clock.now += 1
        buffer.add(check(f"u{number}"), clock.now, bucket=number, device={"os": "iOS"}, request_id="r")
    # An open row takes checks beyond the bound, too.
    buffer.add(check("u0"), clock.now)
    for flag in range(2, 6):
        clock.now += 1
        buffer.add(check("u0", flag_id=flag), clock.now)

    batch = buffer.take()

    whole, over = batch.rows[:3], batch.rows[3:]
    assert counted(whole) == {"u0": 2, "u1": 1, "u2": 1}
    assert [(row.check.user_id, row.check.flag_id, row.checks, row.overflow) for row in over] == [
        (None, 1, 7, True),
        (None, 2, 1, True),
    ]
    assert {(row.bucket, row.device_info, row.request_id) for row in over} == {(None, None, None)}
    assert batch.gap
    assert (batch.gap.lost, batch.gap.first_at, batch.gap.last_at) == (3, clock.now - 2, clock.now)


def test_taking_the_rows_makes_room() -> None:
    clock = SetClock()
    buffer = Buffer(keys=1, overflow_keys=1, clock=clock)
    for _ in range(2):
        for number in range(3):
            buffer.add(check(f"u{number}", flag_id=number), clock.now)
        batch = buffer.take()
        assert [row.overflow for row in batch.rows] == [False, True]
        assert batch.gap
        assert batch.gap.lost == 1
    assert buffer.take().rows == []
    assert buffer.take().gap is None


def test_threads_lose_no_check_while_rows_are_taken() -> None:
    buffer = Buffer(keys=40, overflow_keys=4)
    taken = []
    done = threading.Event()

    def add() -> None:
        for number in range(5_000):
            buffer.add(check(f"u{number % 97}", flag_id=number % 7), time.time_ns())

    def take() -> None:
        while not done.is_set():
            taken.append(buffer.take())

    adding = [threading.Thread(target=add) for _ in range(8)]
    taking = threading.Thread(target=take)
    for thread in (*adding, taking):
        thread.start()
    for thread in adding:
        thread.join()
    done.set()
    taking.join()
    taken.append(buffer.take())
    rows = sum(row.checks for batch in taken for row in batch.rows)
    assert rows + sum(batch.gap.lost for batch in taken if batch.gap) == 40_000
