"""What each touch of the sample deserves, by the rules' own words, in Python: the demo compares the database with it.

What belongs here: the arithmetic of docs/campaigns.md, once more and apart from the statements that run. What does not:
the sample's touches (sample_world.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from trackai_pipelines.campaigns.credit_models import MODELS

HALF_LIFE_HOURS = 168
_EXACTLY = Context(prec=60)
_CREDIT, _MONEY = Decimal("1E-9"), Decimal("1E-4")


@dataclass(frozen=True)
class WeighedTouch:
    """A touch: how many seconds before the sale it was, whether it is a direct visit, and whether the matched one."""

    seconds_before: Decimal
    direct: bool
    matched: bool


def credits_of(touches: Sequence[WeighedTouch]) -> dict[str, list[Decimal]]:
    """Return the credit of each touch, oldest first, under each model; without a training the two data-driven ones are
    linear.
    """
    return {model: _shares(_WEIGHTS[model](touches)) for model in MODELS}


def revenues_of(value: Decimal, shares: Sequence[Decimal]) -> list[Decimal]:
    """Return what each touch's credit is worth: rounded running totals, which sum to the value."""
    found, before, credited = [], Decimal(0), Decimal(0)
    for share in shares:
        credited += share
        total = (value * credited).quantize(_MONEY, ROUND_HALF_UP)
        found.append(total - before)
        before = total
    return found


def _shares(weights: Sequence[Decimal]) -> list[Decimal]:
    """Return the weights as shares of their sum: rounded running totals, which sum to 1."""
    whole = sum(weights, Decimal(0))
    shares, before, seen = [], Decimal(0), Decimal(0)
    for weight in weights:
        seen += weight
        total = _EXACTLY.divide(seen, whole).quantize(_CREDIT, ROUND_HALF_UP)
        shares.append(total - before)
        before = total
    return shares


def _only(touches: Sequence[WeighedTouch], place: int) -> list[Decimal]:
    return [Decimal(number == place) for number in range(len(touches))]


def _position_based(touches: Sequence[WeighedTouch]) -> list[Decimal]:
    ends = {1: ["1"], 2: ["0.5", "0.5"]}.get(len(touches))
    if ends:
        return [Decimal(weight) for weight in ends]
    # 0.4, 0.2 shared by the middle, 0.4; in whole numbers.
    middle = len(touches) - 2
    return [Decimal(4 * middle), *[Decimal(2)] * middle, Decimal(4 * middle)]


def _time_decay(touches: Sequence[WeighedTouch]) -> list[Decimal]:
    half_life = Decimal(3600 * HALF_LIFE_HOURS)
    return [
        _EXACTLY.power(Decimal(2), _EXACTLY.divide(-max(Decimal(0), touch.seconds_before), half_life))
        for touch in touches
    ]


def _last_non_direct(touches: Sequence[WeighedTouch]) -> list[Decimal]:
    named = [place for place, touch in enumerate(touches) if not touch.direct]
    return _only(touches, named[-1] if named else len(touches) - 1)


def _linear(touches: Sequence[WeighedTouch]) -> list[Decimal]:
    return [Decimal(1)] * len(touches)


_WEIGHTS = {
    "matched": lambda touches: [Decimal(touch.matched) for touch in touches],
    "last_touch": lambda touches: _only(touches, len(touches) - 1),
    "first_touch": lambda touches: _only(touches, 0),
    "linear": _linear,
    "position_based": _position_based,
    "time_decay": _time_decay,
    "last_non_direct": _last_non_direct,
    "markov": _linear,
    "shapley": _linear,
}
