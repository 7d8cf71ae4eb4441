"""How figures of tests are written, for commands, the report and Dagster.

What belongs here: numbers, outcomes and health as words. What does not: the reason of a decision (deciding.py).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import expm1
from typing import Any

KINDS = {"early": "early", "horizon": "at the horizon", "final": "at its end"}
METRICS: Mapping[str, tuple[str, str]] = {
    "conversion_rate": ("converted", "rate"),
    "orders_per_user": ("orders", "orders a user"),
    "revenue_per_user": ("revenue", "revenue a user"),
    "avg_order_value": ("revenue", "average order"),
}
"""What is counted and what is compared, by metric."""
CLASSES = {
    "counted": "counted",
    "other_event": "another event",
    "before_assignment": "before assignment",
    "after_window": "after the window",
    "not_attributed": "not attributed",
    "conflicting_variants": "user saw several variants",
    "outside_test_period": "user assigned outside the period",
    "excluded_user": "user excluded",
}
"""Classes of outcomes in the order in which they are shown."""
BEATS_CONTROL = (
    "beats control: the probability for somebody who looks once. "
    "It is not protected against looking, and decides nothing."
)
_TESTS_NAMED = 2
_EXCLUDED = {
    "bot": ("bot", "bots"),
    "employee": ("employee", "employees"),
    "test_account": ("test account", "test accounts"),
    "other": ("excluded by hand", "excluded by hand"),
}


def outcome_in_words(outcome: str, winner: str | None) -> str:
    """Return e.g. `winner mens`, or `no winner: not significant`."""
    return f"winner {winner}" if winner else f"no winner: {outcome.replace('_', ' ')}"


def decided_in_words(kind: str, day: date | None, outcome: str, winner: str | None) -> str:
    """Return e.g. `decided at the horizon, day 2026-03-29: winner mens`."""
    return f"decided {KINDS[kind]}, day {day}: {outcome_in_words(outcome, winner)}"


def estimate_in_words(metric: str, estimate: float | None) -> str:
    """Return a metric's value as people write it; empty where there is none."""
    if estimate is None:
        return ""
    if metric == "conversion_rate":
        return f"{estimate:.3%}".replace("%", " %")
    return f"{estimate:,.4f}" if metric == "orders_per_user" else f"{estimate:,.2f}"


def lift_in_words(lift: float | None) -> str:
    """Return e.g. `+118.8 %`; empty where there is none."""
    return "" if lift is None else f"{100 * lift:+,.1f} %"


def interval_in_words(lower: float | None, upper: float | None) -> str:
    """Return e.g. `+76.9 % to +170.8 %`; empty where there is none."""
    return "" if lower is None or upper is None else f"{lift_in_words(lower)} to {lift_in_words(upper)}"


def p_in_words(p: float | None) -> str:
    """Return e.g. `1.5e-13`; empty where there is none."""
    return "" if p is None else f"{p:.2g}"


def probability_in_words(share: float | None) -> str:
    """Return e.g. `99.99 %`, never 0 or 100; empty where there is none."""
    if share is None:
        return ""
    if share >= 0.99995:
        return "> 99.99 %"
    return "< 0.01 %" if share < 0.00005 else f"{100 * share:.2f} %"


def novelty_in_words(novelty: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how each variant did against the control in the second half of the window, next to the first half."""
    said = [
        f"{variant} {lift_in_words(expm1(of['change']))} (p {p_in_words(of['p_value'])})"
        for variant, of in novelty.items()
    ]
    return f"second half of the window next to the first, against control: {', '.join(said)}" if said else ""


def share_in_words(part: int, whole: int) -> str:
    """Return e.g. `1.4 %`, and below 1 % two digits after the point."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.2f} %" if percent < 1 else f"{percent:.1f} %"


def health_in_words(
    *,
    users: int,
    variants: int,
    conflicting: int,
    outside: int,
    excluded: Mapping[str, int],
    unlinked: int,
    other_currencies: Sequence[tuple[str, int]],
    uneven: Sequence[str] = (),
    shared: Sequence[tuple[str, int]] = (),
) -> str:
    """Return who is not analysed, who is not linked, and what has no revenue, in a line; empty where all is well.

    `users` are all that are assigned; `excluded` counts by reason; `shared` are other tests with many of these users.
    """
    people = [*uneven]
    if conflicting:
        saw = "both variants" if variants == 2 else "several variants"
        people.append(
            f"{conflicting:,} {_plural(conflicting, 'user')} saw {saw} ({share_in_words(conflicting, users)})"
        )
    if outside:
        people.append(f"{outside:,} assigned outside its period")
    people += [f"{count:,} {_EXCLUDED[reason][count != 1]}" for reason, count in excluded.items()]
    if unlinked:
        people.append(f"{unlinked:,} not linked yet ({share_in_words(unlinked, users)})")
    if len(shared) > _TESTS_NAMED:
        people.append(f"many users are in {len(shared)} other tests, too")
    else:
        people += [f"{count:,} users are in {test}, too" for test, count in shared]
    money = [f"{count:,} {_plural(count, 'conversion')} in {currency}" for currency, count in other_currencies]
    without = " and ".join(money) + (" has" if len(money) == 1 and other_currencies[0][1] == 1 else " have")
    return "; ".join([", ".join(people)] * bool(people) + [f"{without} no revenue here"] * bool(money))


def money_in_words(amount: Decimal, currency: str | None) -> str:
    """Return an amount with its currency."""
    return f"{amount:,.2f} {currency or ''}".rstrip()


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
