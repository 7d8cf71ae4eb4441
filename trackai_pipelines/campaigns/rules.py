"""The eight rules that recommend something for a campaign: what each needs, how sure it is, and what it says.

What belongs here: functions of the figures in a recommendation's evidence, so that it can be computed again from them.
What does not: where the figures come from (evidence.py), and the rows (recommendations.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, Literal

from trackai_pipelines.campaigns.significance import (
    below,
    binomial,
    fisher,
    phi,
    rank_sum,
    two_proportions,
    welch,
    wilson_upper,
)

Evidence = Mapping[str, Any]
"""Counts and amounts by name, with `limits` (what the rule asks for) and `m` (subjects tested)."""

ERROR = 0.05
"""Of the campaigns without any effect, the share that may get a recommendation of a rule."""
MOVED = 0.2
"""The share of clicks or budget that an uplift supposes to be moved."""
MOST_UPLIFT = 50.0


@dataclass(frozen=True)
class Judgement:
    """What a rule makes of its evidence."""

    found: bool
    """Whether the figures lie in the direction, and beyond the limits, that the rule is about."""
    confidence: float
    uplift: float | None = None
    """In percent; None where it cannot be said."""
    z: float | None = None
    chance: float = 0.0
    """How likely figures as far off are without any effect, by a test that holds for few sales and uneven orders."""

    def made(self, tested: int) -> bool:
        """Return whether it is sure enough to recommend something, if so many subjects were tested.

        Both must be: `confidence` promises too much where the normal distribution is a poor approximation.
        """
        return self.found and self.confidence >= 1 - ERROR / tested and self.chance <= ERROR / tested


@dataclass(frozen=True)
class Rule:
    """A rule; its name begins with what it is about."""

    name: str
    type: Literal["offer", "timing", "audience", "creative", "channel"]
    effort: Literal["low", "medium"]
    limits: Mapping[str, float]
    judge: Callable[[Evidence], Judgement | None]
    """Returns None where there is too little to test."""
    says: Callable[[str, str, Evidence], str]
    """The sentence for a campaign, a subject and the evidence."""
    first: bool = False
    """Whether it comes before what promises an uplift: until it is done, other figures are wrong."""

    def priority(self, uplift: float | None) -> int:
        """Return 1 (first) to 10."""
        if uplift is None:
            return 1 if self.first else 5
        return 10 - max(0, min(8, floor(uplift / 2.5)))


def _clicks_of(e: Evidence) -> tuple[int, int, int, int]:
    return e["x_subject"], e["n_subject"], e["x_rest"], e["n_rest"]


def _too_few_clicks(e: Evidence) -> bool:
    x, n, x_rest, n_rest = _clicks_of(e)
    return bool(min(n, n_rest) < e["limits"]["clicks"] or x + x_rest < e["limits"]["converted"])


def _weak(e: Evidence) -> Judgement | None:
    if _too_few_clicks(e):
        return None
    x, n, x_rest, n_rest = _clicks_of(e)
    z = two_proportions(x, n, x_rest, n_rest)
    # The campaign's share without the subject, over the share with it.
    uplift = 100 * n * (x_rest / n_rest - x / n) / (x + x_rest)
    return Judgement(x / n < x_rest / n_rest, phi(z), uplift, z, fisher(x, n, x_rest, n_rest))


def _strong(e: Evidence) -> Judgement | None:
    if _too_few_clicks(e):
        return None
    x, n, x_rest, n_rest = _clicks_of(e)
    z = -two_proportions(x, n, x_rest, n_rest)
    uplift = 100 * MOVED * n_rest * (x / n - x_rest / n_rest) / (x + x_rest)
    return Judgement(x / n > x_rest / n_rest, phi(z), uplift, z, fisher(x_rest, n_rest, x, n))


def _budget(e: Evidence) -> Judgement | None:
    x, spend, x_rest, spend_rest = e["x_subject"], e["spend_subject"], e["x_rest"], e["spend_rest"]
    share = spend / (spend + spend_rest) if spend and spend_rest else 0.0
    if x + x_rest < e["limits"]["conversions"] or share < e["limits"]["share_of_spend"]:
        return None
    uplift = 100 * MOVED * spend * (x_rest / spend_rest - x / spend) / (x + x_rest)
    chance = binomial(x, x + x_rest, share)
    return Judgement(x / spend < x_rest / spend_rest, 1 - chance, uplift, chance=chance)


def _order_value(e: Evidence) -> Judgement | None:
    if min(e["n_subject"], e["n_rest"]) < e["limits"]["orders"]:
        return None
    mean, mean_rest = e["mean_subject"], e["mean_rest"]
    z = welch(mean, e["variance_subject"], e["n_subject"], mean_rest, e["variance_rest"], e["n_rest"])
    sells_as_well = e["converted_subject"] / e["clicks_subject"] >= e["converted_rest"] / e["clicks_rest"]
    found = mean < e["limits"]["share_of_rest"] * mean_rest and sells_as_well
    uplift = min(MOST_UPLIFT, 50 * (mean_rest - mean) / mean) if mean else MOST_UPLIFT
    chance = rank_sum(e["ranks_subject"], e["n_subject"], e["n_rest"], e["ties"])
    # JSON has no infinity: without any variance there is no z.
    return Judgement(found, phi(z), uplift, z if abs(z) < float("inf") else None, chance)


def _existing(e: Evidence) -> Judgement | None:
    if e["n"] < e["limits"]["known_buyers"] or not e["spend"]:
        return None
    return _share_below(e, e["limits"]["share_of_new"])


def _arrival(e: Evidence) -> Judgement | None:
    if e["n"] < e["limits"]["ad_clicks"]:
        return None
    return _share_below(e, e["limits"]["arrival_rate"])


def _share_below(e: Evidence, limit: float) -> Judgement:
    # More may arrive than the platform counted.
    x, n = min(e["x"], e["n"]), e["n"]
    return Judgement(wilson_upper(x, n) < limit, below(x, n, limit), chance=binomial(x, n, limit))


def _unjoined(e: Evidence) -> Judgement | None:
    return Judgement(found=not e["clicks"], confidence=1.0) if e["spend"] else None


def _percent(x: int, n: int) -> str:
    return f"{x:,} of {n:,} ({x / n:.2%})"


def _says_weak(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Replace the creative {subject} of {campaign}: {_percent(e['x_subject'], e['n_subject'])} clicks on it led to "
        f"a sale, and {_percent(e['x_rest'], e['n_rest'])} on the campaign's others."
    )


def _says_strong(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Show {campaign} more to the audience {subject}: {_percent(e['x_subject'], e['n_subject'])} of its clicks led "
        f"to a sale, and {_percent(e['x_rest'], e['n_rest'])} of the campaign's others."
    )


def _says_block(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Show {campaign} more from {subject} ({e['time_zone']}): {_percent(e['x_subject'], e['n_subject'])} clicks of "
        f"these hours led to a sale, and {_percent(e['x_rest'], e['n_rest'])} of the others."
    )


def _says_budget(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Move a fifth of the budget of {campaign} to other campaigns: {e['spend_subject']:,.2f} {e['currency']} led "
        f"to {e['x_subject']:,} sales, and {e['spend_rest']:,.2f} {e['currency']} of the others to {e['x_rest']:,}."
    )


def _says_order_value(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Offer more with {subject} of {campaign}: its {e['n_subject']:,} orders are worth {e['mean_subject']:,.2f} "
        f"{e['currency']} each, and the campaign's {e['n_rest']:,} others {e['mean_rest']:,.2f}."
    )


def _says_existing(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Exclude existing customers from {campaign}: only {_percent(e['x'], e['n'])} known buyers were new, by a "
        f"memory of {e['buyer_memory_days']} days."
    )


def _says_arrival(campaign: str, subject: str, e: Evidence) -> str:
    return (
        f"Check the links and landing pages of {campaign}: only {_percent(e['x'], e['n'])} clicks that the platform "
        "counted arrived here."
    )


def _says_unjoined(campaign: str, subject: str, e: Evidence) -> str:
    spend = " and ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(e["spend"].items()))
    return (
        f"Check the tracking of {campaign}: it cost {spend} in the last 7 days, and not one click names it; "
        "`trackai campaigns unjoined` shows the nearest names."
    )


_CLICKS = {"clicks": 200, "converted": 20}
_BUDGET = {"conversions": 30, "share_of_spend": 0.05}
_ORDERS = {"orders": 30, "share_of_rest": 0.8}
_BUYERS = {"known_buyers": 30, "share_of_new": 0.2}
_ARRIVAL = {"ad_clicks": 200, "arrival_rate": 0.7}
_SILENCE = {"clicks": 0}

_RULES = (
    Rule("creative.weak", "creative", "low", _CLICKS, _weak, _says_weak),
    Rule("audience.strong", "audience", "medium", _CLICKS, _strong, _says_strong),
    Rule("timing.block", "timing", "low", _CLICKS, _strong, _says_block),
    Rule("channel.budget", "channel", "medium", _BUDGET, _budget, _says_budget),
    Rule("offer.order_value", "offer", "medium", _ORDERS, _order_value, _says_order_value),
    Rule("audience.existing", "audience", "low", _BUYERS, _existing, _says_existing),
    Rule("channel.arrival", "channel", "low", _ARRIVAL, _arrival, _says_arrival, first=True),
    Rule("channel.unjoined", "channel", "low", _SILENCE, _unjoined, _says_unjoined, first=True),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}
