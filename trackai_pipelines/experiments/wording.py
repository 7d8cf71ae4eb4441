"""Decisions and waiting in a sentence.

What belongs here: words. What does not: figures, and what is decided (deciding.py).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.forecasting import Forecast, final_day

_BETTER_OR_WORSE = {
    "conversion_rate": ("converts {} better than {}", "converts {} worse than {}"),
    "orders_per_user": ("has {} more orders per user than {}", "has {} fewer orders per user than {}"),
    "revenue_per_user": ("has {} more revenue per user than {}", "has {} less revenue per user than {}"),
    "avg_order_value": ("has orders worth {} more than those of {}", "has orders worth {} less than those of {}"),
}


def _percent(share: float) -> str:
    """Return a share as a percentage, e.g. `12.3 %`."""
    return f"{100 * share:,.1f} %"


def _p(p: float | None) -> str:
    """Return a p-value with the digits that matter."""
    if p is None:
        return "unknown"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def said(design: Design, outcome: str, winner: str | None, inputs: Mapping[str, Any]) -> str:
    """Return why a test ended with this outcome; `inputs` are those of the decision."""
    return _winner(design, inputs, winner) if outcome == "winner" and winner else _SAYS[outcome](design, inputs)


def effect_in_words(metric: str, variant: Mapping[str, Any], control: str) -> str:
    """Return how a variant differs from the control, with the interval of one look."""
    lift, difference = variant["lift"], variant["difference"]
    better, worse = _BETTER_OR_WORSE[metric]
    says = better if (difference or 0) >= 0 else worse
    if lift is None:
        return f"{variant['variant']} {says.format(f'{abs(difference or 0):,.4g}', control)}"
    said = f"{variant['variant']} {says.format(_percent(abs(lift)), control)}"
    if variant["lift_ci_lower"] is None:
        return said
    return f"{said} ({_percent(variant['lift_ci_lower'])} to {_percent(variant['lift_ci_upper'])})"


def _configuration_changed(design: Design, inputs: Mapping[str, Any]) -> str:
    return (
        "What starting froze was changed afterwards, so its users were not all in the same test: no variant is chosen. "
        "Restore the row, or start a new test."
    )


def _no_plan(design: Design, inputs: Mapping[str, Any]) -> str:
    return "There was no sample size, so no day was fixed on which to decide: no variant is chosen."


def _split(design: Design, inputs: Mapping[str, Any]) -> str:
    health, users = inputs["health"], [f"{one['users_so_far']:,}" for one in inputs["variants"]]
    after, before = health["srm_p_value"], health["srm_p_value_before_exclusions"]
    planned = _listed([_percent(weight) for weight in design.weights])
    if after is not None and (before is None or after <= before):
        found = f"{_listed(users)} users where {planned} were planned, p {_p(after)}"
    else:
        found = f"before exclusions p {_p(before)} of {planned}"
    return f"Users are not split as planned ({found}): who is missing may differ, so no variant is chosen."


def _linkage(design: Design, inputs: Mapping[str, Any]) -> str:
    shares = _shares(inputs, "unlinked_users", "users_so_far")
    return (
        f"Users without a known e-mail or phone are not the same share everywhere ({shares}; "
        f"p {_p(inputs['health']['linkage_p_value'])}): their sales are missing, so no variant is chosen."
    )


def _tracking(design: Design, inputs: Mapping[str, Any]) -> str:
    shares = _shares(inputs, "attributed_users", "converted_users_so_far")
    return (
        f"Buyers with a click are not the same share everywhere ({shares}; "
        f"p {_p(inputs['health']['tracking_p_value'])}): a variant may lose clicks, so no variant is chosen."
    )


def _too_small(design: Design, inputs: Mapping[str, Any]) -> str:
    short = min(inputs["variants"], key=lambda one: one["users_so_far"] / one["needed"])
    each = len({one["needed"] for one in inputs["variants"]}) == 1
    needed = f"needed {short['needed']:,} a variant, " if each else ""
    beside = "" if each else f" of {short['needed']:,}"
    return (
        f"The test was completed before every variant had its users: {needed}{short['variant']} has "
        f"{short['users_so_far']:,}{beside}."
    )


def _too_few(design: Design, inputs: Mapping[str, Any]) -> str:
    few = min(inputs["variants"], key=lambda one: one["converted_users"])
    return f"{few['variant']} has {few['converted_users']} converted users; with fewer than 10, nothing can be said."


def _not_significant(design: Design, inputs: Mapping[str, Any]) -> str:
    return f"No difference beyond chance: {_effects(design, inputs)}."


def _guardrail(design: Design, inputs: Mapping[str, Any]) -> str:
    better = [one for one in inputs["variants"] if one["direction"] == "better"]
    broken = [
        f"{rail['metric']} of {rail['variant']} {_interval(rail)} with {_percent(rail['margin'])} tolerated"
        for rail in inputs["guardrails"]
        if rail["broken"] and rail["variant"] in {one["variant"] for one in better}
    ]
    effects = "; ".join(effect_in_words(design.primary_metric, one, design.control) for one in better)
    return f"{effects}. But a guardrail is broken: {'; '.join(broken)}. No variant is chosen."


def _interval(rail: Mapping[str, Any]) -> str:
    if rail["lift_ci_lower"] is None or rail["lift_ci_upper"] is None:
        return "is not known"
    return f"is at {_percent(rail['lift_ci_lower'])} to {_percent(rail['lift_ci_upper'])}"


def _control(design: Design, inputs: Mapping[str, Any]) -> str:
    return f"{_effects(design, inputs)}. Keep {design.control}."


def _winner(design: Design, inputs: Mapping[str, Any], winner: str) -> str:
    (one,) = (one for one in inputs["variants"] if one["variant"] == winner)
    metrics = list(dict.fromkeys(rail["metric"] for rail in inputs["guardrails"]))
    rails = f"guardrail {_listed(metrics)} holds" if metrics else "no guardrail"
    split = f"split as planned (p {_p(inputs['health']['srm_p_value'])})"
    return f"{effect_in_words(design.primary_metric, one, design.control)}; {split}; {rails}."


def _mixed(design: Design, inputs: Mapping[str, Any]) -> str:
    return f"Some do worse and none better: {_effects(design, inputs)}. No variant is chosen."


_SAYS: Mapping[str, Callable[[Design, Mapping[str, Any]], str]] = {
    "configuration_changed": _configuration_changed,
    "no_plan": _no_plan,
    "sample_ratio_mismatch": _split,
    "linkage_differs": _linkage,
    "tracking_differs": _tracking,
    "sample_size_not_reached": _too_small,
    "too_few_conversions": _too_few,
    "not_significant": _not_significant,
    "guardrail_broken": _guardrail,
    "control_better": _control,
    "mixed": _mixed,
}


def changed_said(outcome: str, reason: str, was: str, winner: str | None, day: date) -> str:
    """Return the reason of a decision that takes the place of one that was written before, with what changed it."""
    if outcome == "configuration_changed":
        cause = "Its configuration was changed since"
    elif was == "configuration_changed":
        cause = "Its configuration is again what starting froze"
    else:
        cause = "Data that came later changed it"
    before = f"winner {winner}" if winner else was.replace("_", " ")
    return f"{reason} (The decision of {day} was: {before}. {cause}.)"


def waiting_said(design: Design, expected: Forecast) -> str:
    """Return what a test waits for."""
    parts = [_users_said(expected), _when_said(design, expected)]
    if expected.detectable_lift is not None:
        lift = expected.detectable_lift
        parts.append(f"detectable now: {f'{100 * lift:,.0f} %' if lift >= 0.1 else _percent(lift)}")
    if design.configuration_changed:
        parts.append("what starting froze was changed: no variant will be chosen")
    return f"waiting: {'; '.join(parts)}"


def _users_said(expected: Forecast) -> str:
    users = [f"{n:,}" for n in expected.users]
    if expected.needed is None:
        return f"{_listed(users)} users"
    if len(set(expected.needed)) == 1:
        return f"{_listed(users)} of {expected.needed[0]:,} users a variant"
    pairs = (f"{n} of {needed:,}" for n, needed in zip(users, expected.needed, strict=True))
    return f"{_listed(list(pairs))} users"


def _when_said(design: Design, expected: Forecast) -> str:
    if expected.complete:
        return f"decision on {expected.decision_day}"
    if (final := final_day(design)) is not None:
        return f"completed too early: decision on {final}, when the last window is over"
    if expected.needed is None:
        return "there is no sample size, so no variant will be chosen"
    if expected.decision_day is None:
        return "no decision in sight: too few users come"
    return f"decision about {expected.decision_day}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _effects(design: Design, inputs: Mapping[str, Any]) -> str:
    return "; ".join(effect_in_words(design.primary_metric, one, design.control) for one in inputs["variants"][1:])


def _shares(inputs: Mapping[str, Any], part: str, whole: str) -> str:
    return _listed(
        [f"{one['variant']} {_percent(one[part] / one[whole] if one[whole] else 0)}" for one in inputs["variants"]]
    )
