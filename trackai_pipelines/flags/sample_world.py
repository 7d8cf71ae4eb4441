"""The checks of the sample's flags: who asked for what, and what they got by the rules' own words.

What belongs here: the checks, as rows of landing files, and what they come to. What does not: writing files and the
proof (sample.py), and how the flags came to be as they are (sample_history.py).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from trackai_pipelines.flag_values.bucketing import bucket
from trackai_pipelines.flags.sample_history import (
    BADGE,
    BADGE_RAMP,
    CHECKOUT,
    DAYS,
    FLAGS,
    RAMP,
    SHIPPING,
    VARIANTS,
    first_moment,
)

TENANTS = {"lumina-cursos": 24, "northwind-fitness": 16, "atelier-verve": 10}
"""The tenants whose apps ask, and how many users of each do, at most."""
_TESTERS = 2
_APPS = ("mobile", "mobile", "mobile", "admin")
_DEVICES = ({"os": "Android 15"}, {"os": "iOS 18.4"}, None)
# Users of a day who open the app, and checks that fail.
_ACTIVE, _FAILED = 0.6, 0.01
# Checks that a phone uploads twice.
_AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class LoggedCheck:
    """A check as a phone noted it; `variant` is None where it failed."""

    tenant: str
    flag: str
    user: str
    at: datetime
    variant: str | None
    row: Mapping[str, Any]


def testers_of(users: Sequence[str]) -> Sequence[str]:
    """Return the users who see the new checkout first."""
    return users[:_TESTERS]


def build(seed: int, end: datetime, users_of: Mapping[str, Sequence[str]]) -> list[LoggedCheck]:
    """Return the checks of the days before `end`, by tenant and in order; the same arguments make the same checks."""
    rng = Random(f"{seed}:{end}:flags")  # noqa: S311 - invented data, no secrets
    start = first_moment(end)
    checks: list[LoggedCheck] = []
    for slug, users in users_of.items():
        for day in range(DAYS):
            midnight = start + timedelta(days=day)
            moments = sorted(
                (midnight + timedelta(milliseconds=rng.randrange(86_400_000)), user, flag)
                for user in users
                if rng.random() < _ACTIVE
                for flag in FLAGS
                for _ in range(rng.randrange(3))
            )
            for at, user, flag in moments:
                served = variant_of(flag, user, at - start, is_tester=user in testers_of(users))
                variant = None if rng.random() < _FAILED else served
                row = _row(rng, slug, len(checks), flag, user, at, variant)
                checks.append(LoggedCheck(slug, flag, user, at, variant, row))
    return checks


def lines_of(seed: int, checks: Iterable[LoggedCheck]) -> list[Mapping[str, Any]]:
    """Return the rows of a file: each check, and some of them twice."""
    rng = Random(f"{seed}:again")  # noqa: S311 - invented data, no secrets
    return [check.row for check in checks for _ in range(1 + (rng.random() < _AGAIN))]


def variant_of(flag: str, user: str, since: timedelta, *, is_tester: bool) -> str:
    """Return what a user is served so long after the first day with checks began."""
    if flag == SHIPPING:
        return "on"
    place = bucket(flag, user)
    if flag == CHECKOUT:
        return "on" if is_tester or place < 100 * _percentage(RAMP, since) else "off"
    begins = 0
    for variant, weight in VARIANTS.items():
        if begins <= place < begins + weight * _percentage(BADGE_RAMP, since):
            return variant
        begins += 100 * weight
    return "off"


def totals_of(checks: Iterable[LoggedCheck]) -> list[list[Any]]:
    """Return what each tenant, flag and UTC day comes to: users, checks, on, off, failed, and checks by variant."""
    by_day: dict[tuple[str, str, str], list[LoggedCheck]] = defaultdict(list)
    for check in checks:
        by_day[check.tenant, check.flag, check.at.date().isoformat()].append(check)
    totals = []
    for key, of_day in sorted(by_day.items()):
        variants = Counter(check.variant for check in of_day if check.variant)
        failed, off = sum(check.variant is None for check in of_day), variants["off"]
        users = len({check.user for check in of_day})
        totals.append([*key, users, len(of_day), len(of_day) - failed - off, off, failed, dict(variants)])
    return totals


def exposed_in(checks: Iterable[LoggedCheck]) -> list[list[Any]]:
    """Return how many users of each tenant were served each variant of the badge."""
    served = {(check.tenant, check.variant, check.user) for check in checks if check.flag == BADGE}
    users = Counter((tenant, variant) for tenant, variant, _ in served if variant and variant != "off")
    return [[*key, count] for key, count in sorted(users.items())]


def _percentage(ramp: Iterable[tuple[timedelta, int]], since: timedelta) -> int:
    return [percentage for after, percentage in ramp if after <= since][-1]


def _row(
    rng: Random, slug: str, number: int, flag: str, user: str, at: datetime, variant: str | None
) -> Mapping[str, Any]:
    row: dict[str, Any] = {
        "external_id": f"{slug}-{number}",
        "flag": flag,
        "user_id": user,
        "app_type": rng.choice(_APPS),
        "accessed_at": at.isoformat(timespec="milliseconds"),
    }
    if variant:
        row |= {"value_used": variant != "off", "variant_key": variant}
    device = rng.choice(_DEVICES)
    return row | {"device_info": device} if device else row
