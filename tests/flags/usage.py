"""Checks as rows, and what they must come to: plain loops over them, written apart from the statements.

What belongs here: writing usage, and the brute force. What does not: expectations of single tests.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

Usage = dict[str, Any]
_numbers = count(1)


def row(flag_id: int, at: datetime, **given: Any) -> Usage:
    """A row of feature_flag_usage: one check that served a variant by bucket."""
    usual = {"tenant_id": "t-acme", "app_type": "web", "user_id": "u1", "value_used": True, "variant_key": "on"}
    usual |= {"last_accessed_at": at, "checks": 1, "cache_hits": 1, "response_us": 100, "reason": "SPLIT"}
    return {**usual, "flag_id": flag_id, "accessed_at": at, "external_id": f"test-{next(_numbers)}", **given}


def write(connection: Connection[Any], rows: Iterable[Usage]) -> None:
    for one in rows:
        insert = sql.SQL("INSERT INTO trackai.feature_flag_usage ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, one)), sql.SQL(", ").join(map(sql.Placeholder, one))
        )
        connection.execute(
            insert, {name: Jsonb(value) if name == "device_info" else value for name, value in one.items()}
        )


def random_rows(
    chance: random.Random, flag_ids: Sequence[int], tenants: Sequence[str], days: Sequence[date], number: int
) -> list[Usage]:
    rows = []
    for _ in range(number):
        day = chance.choice(days)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            microseconds=chance.randrange(86_399 * 10**6)
        )
        variant, used = chance.choice([("on", True), ("off", False), ("a", True), ("control", False), (None, None)])
        checks = chance.randrange(1, 20)
        rows.append(
            row(
                chance.choice(flag_ids),
                at,
                tenant_id=chance.choice(tenants),
                user_id=chance.choice([None, *(f"u{number}" for number in range(8))]),
                variant_key=variant,
                value_used=used,
                checks=checks,
                cache_hits=chance.randrange(checks + 1),
                response_us=chance.choice([None, chance.randrange(10_000)]),
                last_accessed_at=at + timedelta(seconds=chance.random()),
                overflow=chance.random() < 0.1,
                bucket=chance.choice([None, chance.randrange(10_000)]),
                flag_version=None,
            )
        )
    return rows


def analysed(rows: Iterable[Usage]) -> dict[tuple[str, int, date], dict[str, Any]]:
    """What feature_flag_analytics has to be, by tenant, flag and day."""
    groups: dict[tuple[str, int, date], list[Usage]] = defaultdict(list)
    for one in rows:
        groups[one["tenant_id"], one["flag_id"], one["accessed_at"].date()].append(one)
    found = {}
    for key, own in groups.items():
        total = sum(one["checks"] for one in own)
        timed = [one for one in own if one["response_us"] is not None]
        variants: dict[str, int] = defaultdict(int)
        for one in own:
            if one["variant_key"] is not None:
                variants[one["variant_key"]] += one["checks"]
        found[key] = {
            "total_users": len({one["user_id"] for one in own} - {None}),
            "total_checks": total,
            "enabled_count": sum(one["checks"] for one in own if one["value_used"] is True),
            "disabled_count": sum(one["checks"] for one in own if one["value_used"] is False),
            "error_count": sum(one["checks"] for one in own if one["value_used"] is None),
            "avg_response_time_ms": (
                sum(one["response_us"] for one in timed) / 1000 / sum(one["checks"] for one in timed) if timed else None
            ),
            "cache_hit_rate": 100 * sum(one["cache_hits"] for one in own) / total,
            "overflow_checks": sum(one["checks"] for one in own if one.get("overflow")),
            "last_accessed_at": max(one["last_accessed_at"] for one in own),
            "variants": dict(variants),
        }
    return found


def exposed(
    rows: Iterable[Usage], salts: dict[int, str]
) -> dict[tuple[str, int, str, str, date, str], tuple[datetime, int]]:
    """What feature_flag_exposures has to be, of flags with a salt in `salts`."""
    found: dict[tuple[str, int, str, str, date, str], tuple[datetime, int]] = {}
    for one in rows:
        variant, user = one["variant_key"], one["user_id"]
        if one["flag_id"] not in salts or user is None or variant is None:
            continue
        if variant == "off" and one.get("bucket") is None:
            continue
        key = (one["tenant_id"], one["flag_id"], salts[one["flag_id"]], user, one["accessed_at"].date(), variant)
        first, checks = found.get(key, (one["accessed_at"], 0))
        found[key] = (min(first, one["accessed_at"]), checks + one["checks"])
    return found
