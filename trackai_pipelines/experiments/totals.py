"""Daily totals of a test: exact sums over its users, by UTC day, population and variant.

What belongs here: arithmetic on arrays, without a database. What does not: which sales count (outcomes.py), and what
follows from totals (statistics/).

Sums of squares and products are taken sale by sale: when a user's running total Y grows by d, the sum of squares grows
by (Y + d)² - Y². So one pass over the sales of those who bought gives all days, and what a day adds does not depend on
the days before it but through Y. Users who bought nothing are a count.

Money is a whole number of ten thousandths here, and sums are Python's integers: nothing is rounded and nothing
overflows, up to 2 x 10^14 in the currency for a user.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackai_pipelines.experiments.comparing import MATURE, POPULATIONS, SO_FAR
from trackai_pipelines.experiments.designs import Design

SALE = np.dtype(
    [
        ("user_high", ">i8"),
        ("user_low", ">i8"),
        ("conversion_id", ">i8"),
        ("occurred_at", ">i8"),
        ("assigned_at", ">i8"),
        ("value", ">i8"),
        ("counted", "?"),
        ("attributed", "?"),
        ("in_currency", "?"),
    ]
)
"""A sale that counts, or may explain differences because it came before the assignment, as
`trackai.ab_test_sale_bytes` packs it."""

SCALES: Mapping[str, int] = {
    "users_count": 0,
    "mature_users": 0,
    "unlinked_users": 0,
    "converted_users": 0,
    "attributed_users": 0,
    "conversions": 0,
    "revenue": 4,
    "revenue_conversions": 0,
    "conversion_squares": 0,
    "capped_revenue": 4,
    "revenue_squares": 8,
    "revenue_conversion_squares": 0,
    "revenue_conversion_products": 4,
    "pre_converted_users": 0,
    "both_converted_users": 0,
    "pre_conversions": 0,
    "pre_conversion_squares": 0,
    "conversion_products": 0,
    "pre_revenue": 4,
    "pre_revenue_squares": 8,
    "revenue_products": 8,
    "early_conversions": 0,
    "early_conversion_squares": 0,
    "late_conversions": 0,
    "late_conversion_squares": 0,
    "early_late_products": 0,
}
"""The columns of `ab_test_daily_totals`, and how many decimal places their whole numbers here have."""

_HALVES = ("early_conversions", "early_conversion_squares", "late_conversions", "late_conversion_squares")
_MATURE_ONLY = (*_HALVES, "early_late_products")
_DAY = 86_400_000_000
_EPOCH = date(2000, 1, 1)
_LIMB = 31
_EXACT = Context(prec=200)

Totals = Mapping[str, NDArray[np.object_]]
"""By column: integers by day, population and variant."""


@dataclass(frozen=True, slots=True)
class UserCount:
    """How many users of a test were assigned to a variant on a UTC day."""

    variant_name: str
    day: date
    exclusion: str | None
    """Why they are not analysed; None: they are."""
    users: int
    unlinked: int
    """Those of them who are not in `users`, or have no hash there."""


def daily_totals(
    design: Design, days: Sequence[date], sales: Mapping[str, Sequence[bytes]], counts: Sequence[UserCount]
) -> Totals:
    """Return what each day adds to the totals of a test; the running sum over days is the totals (`accumulated`).

    `days` are consecutive; what belongs to other days is left out, so `sales` and `counts` need to be complete only for
    users who add to one of these. `sales` are packed (SALE), by variant, in any number of pieces.
    """
    added = {name: np.zeros((len(days), len(POPULATIONS), len(design.variants)), dtype=object) for name in SCALES}
    place = {variant: at for at, variant in enumerate(design.variants)}
    for count in counts:
        if count.exclusion is None and count.variant_name in place:
            _add_users(added, design, days, place[count.variant_name], count)
    for variant, pieces in sales.items():
        if variant in place and pieces:
            _add_sales(added, design, days, place[variant], np.frombuffer(b"".join(pieces), dtype=SALE))
    return added


def accumulated(added: Totals, base: Mapping[str, NDArray[np.object_]] | None = None) -> Totals:
    """Return totals of each day from what the days add, on top of those of the day before (by population, variant)."""
    sums = {name: np.cumsum(values, axis=0, dtype=object) for name, values in added.items()}
    return sums if base is None else {name: values + base[name] for name, values in sums.items()}


def excluded_users(counts: Sequence[UserCount], day: date) -> Mapping[str, Mapping[str, int]]:
    """Return how many users who were assigned by the end of a UTC day are not analysed, by reason and variant."""
    users: dict[str, Counter[str]] = {}
    for count in counts:
        if count.exclusion is not None and count.day <= day:
            users.setdefault(count.exclusion, Counter())[count.variant_name] += count.users
    return users


def whole(name: str, value: int | Decimal) -> int:
    """Return a stored total as the whole number that it is here."""
    return int(Decimal(value).scaleb(SCALES[name], context=_EXACT))


def stored(name: str, value: int) -> Decimal | int:
    """Return a total as it is stored."""
    return Decimal(value).scaleb(-SCALES[name], context=_EXACT) if SCALES[name] else value


def _add_users(added: Totals, design: Design, days: Sequence[date], variant: int, count: UserCount) -> None:
    assigned = (count.day - days[0]).days
    mature = assigned + design.window_days
    if 0 <= assigned < len(days):
        added["users_count"][assigned, SO_FAR, variant] += count.users
        added["unlinked_users"][assigned, SO_FAR, variant] += count.unlinked
    if 0 <= mature < len(days):
        added["users_count"][mature, MATURE, variant] += count.users
        added["unlinked_users"][mature, MATURE, variant] += count.unlinked
        added["mature_users"][mature, :, variant] += count.users


def _add_sales(added: Totals, design: Design, days: Sequence[date], variant: int, sales: NDArray[Any]) -> None:
    sales = _in_order_of_users(sales[sales["counted"] | _explains(design, sales)])
    counted = sales["counted"].astype(bool)
    first = (days[0] - _EPOCH).days
    assigned = sales["assigned_at"].astype(np.int64) // _DAY - first
    bought = np.where(counted, sales["occurred_at"].astype(np.int64) // _DAY - first, assigned)
    sums = _increments(design, sales, counted)
    for population, on in ((SO_FAR, bought), (MATURE, assigned + design.window_days)):
        inside = np.flatnonzero((on >= 0) & (on < len(days)))
        if inside.size:
            inside = inside[np.argsort(on[inside], kind="stable")]
            starts = np.flatnonzero(np.diff(on[inside], prepend=-1))
            at = on[inside][starts]
            for name, terms in sums.items():
                if population == MATURE or name not in _MATURE_ONLY:
                    for term in terms:
                        sums_of_days = _sums(*(factor[inside] for factor in term), starts=starts)
                        added[name][at, population, variant] += sums_of_days


def _explains(design: Design, sales: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which sales before the assignment would count if they came after it."""
    recent = sales["occurred_at"] >= sales["assigned_at"].astype(np.int64) - design.pre_days * _DAY
    return ~sales["counted"] & recent & (sales["attributed"] | (design.outcome_scope == "all"))


def _in_order_of_users(sales: NDArray[Any]) -> NDArray[Any]:
    """Return sales by user, those of a user as they happened.

    Half of a user's hash nearly always says who it is, and sorting by the other half would take as long again.
    """
    keys = ("conversion_id", "occurred_at", "user_low", "user_high")
    values = {key: sales[key].astype(np.int64) for key in keys}
    order = np.lexsort([values[key] for key in keys if key != "user_low"])
    high, low = values["user_high"][order], values["user_low"][order]
    if ((high[1:] == high[:-1]) & (low[1:] != low[:-1])).any():
        order = np.lexsort([values[key] for key in keys])
    return sales[order]


def _increments(
    design: Design, sales: NDArray[Any], counted: NDArray[np.bool_]
) -> Mapping[str, Sequence[tuple[NDArray[Any], ...]]]:
    """Return by column what each sale adds: terms, each a number or the product of two. Sales are in order of users."""
    user = np.stack([sales["user_high"], sales["user_low"]])
    begins = np.concatenate([[True], (user[:, 1:] != user[:, :-1]).any(axis=0)]) if sales.size else np.zeros(0, bool)
    of_user, begin = np.cumsum(begins) - 1, np.flatnonzero(begins)

    def running(values: NDArray[Any]) -> NDArray[np.int64]:
        """Sum up each user's values so far. What overflows in the sum of all cancels out in the difference."""
        values = values.astype(np.int64)
        sums = np.cumsum(values)
        return np.asarray(sums - (sums - values)[begin][of_user])

    cap = np.iinfo(np.int64).max if design.revenue_cap is None else whole("capped_revenue", design.revenue_cap)
    paying = sales["in_currency"].astype(bool)
    value = np.where(paying, sales["value"].astype(np.int64), 0)
    window = design.window_days * _DAY
    early = counted & (2 * (sales["occurred_at"].astype(np.int64) - sales["assigned_at"].astype(np.int64)) < window)
    late = counted & ~early
    orders, paid, pre_orders = running(counted), running(counted & paying), running(~counted)
    early_orders, late_orders = running(early), running(late)
    revenue, pre_revenue = running(np.where(counted, value, 0)), running(np.where(counted, 0, value))
    capped, before = np.minimum(revenue, cap), np.minimum(revenue - np.where(counted, value, 0), cap)
    pre_capped, pre_before = np.minimum(pre_revenue, cap), np.minimum(pre_revenue - np.where(counted, 0, value), cap)
    more = capped - before
    first = counted & (orders == 1)
    simple = {
        "converted_users": first,
        "attributed_users": first & sales["attributed"],
        "conversions": counted,
        "revenue": np.where(counted, value, 0),
        "revenue_conversions": counted & paying,
        "conversion_squares": counted * (2 * orders - 1),
        "capped_revenue": more,
        "revenue_conversion_squares": (counted & paying) * (2 * paid - 1),
        "pre_converted_users": ~counted & (pre_orders == 1),
        "both_converted_users": first & (pre_orders > 0),
        "pre_conversions": ~counted,
        "pre_conversion_squares": ~counted * (2 * pre_orders - 1),
        "conversion_products": counted * pre_orders,
        "pre_revenue": pre_capped - pre_before,
        "early_conversions": early,
        "early_conversion_squares": early * (2 * early_orders - 1),
        "late_conversions": late,
        "late_conversion_squares": late * (2 * late_orders - 1),
        "early_late_products": late * early_orders,
    }
    return {name: [(values,)] for name, values in simple.items()} | {
        "revenue_squares": [(more, capped + before)],
        # With one conversion more, what was there before counts once more.
        "revenue_conversion_products": [(more, paid), (before * (counted & paying),)],
        "pre_revenue_squares": [(pre_capped - pre_before, pre_capped + pre_before)],
        "revenue_products": [(more, pre_capped)],
    }


def _sums(
    values: NDArray[Any], factors: NDArray[Any] | None = None, *, starts: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Return the sums of groups that begin at `starts`, of numbers or of products; exact for numbers below 2^61."""
    if factors is None:
        high, low = _limbs(values)
        sums = np.add.reduceat(high, starts).astype(object) << _LIMB
        return np.asarray(sums + np.add.reduceat(low, starts), dtype=object)
    (high, low), (other_high, other_low) = _limbs(values), _limbs(factors)
    products = _sums(low * other_low, starts=starts)
    if high.any() or other_high.any():
        products += (_sums(high * other_low, starts=starts) + _sums(low * other_high, starts=starts)) << _LIMB
        products += _sums(high * other_high, starts=starts) << 2 * _LIMB
    return products


def _limbs(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    values = values.astype(np.int64)
    return values >> _LIMB, values & ((1 << _LIMB) - 1)
