"""The rule: each outcome with its sentence, on which day it falls, and what is said while it waits."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from experiments.courses import START, course, design, guardrail, totals
from experiments.reference import VECTORS, hillstrom

from trackai_pipelines.experiments.deciding import Course, Decided, Undecided, decide, decide_again
from trackai_pipelines.experiments.designs import Design

ABC = {"variants": ("control", "a", "b")}


def day(number: int) -> date:
    """Return a day of the test, the first is 1."""
    return START.date() + timedelta(days=number - 1)


def decided(found: Course) -> Decided:
    """Return what was decided."""
    decision = decide(found)
    assert isinstance(decision, Decided), decision
    return decision


def waiting(found: Course) -> Undecided:
    """Return what a test waits for."""
    undecided = decide(found)
    assert isinstance(undecided, Undecided), undecided
    return undecided


def _ends(test: Design, **given: Any) -> Decided:
    """Return the decision of a test whose users came within ten days, on the 24th of which all are mature."""
    excluded = given.pop("excluded", None)
    shape: dict[str, Any] = {"users": [100] * len(test.variants), "assigned_days": 10} | given
    return decided(course(test, totals(test, 40, **shape), excluded=excluded))


def _fell(decision: Decided) -> tuple[str, str, str | None, date]:
    return decision.outcome, decision.kind, decision.winner_variant, decision.decision_day


def test_configuration_changed() -> None:
    decision = _ends(design(config_digest="0" * 64), rates=[0.1, 0.2])
    assert _fell(decision) == ("configuration_changed", "horizon", None, day(24))
    assert decision.reason == (
        "What starting froze was changed afterwards, so its users were not all in the same test: no variant is chosen. "
        "Restore the row, or start a new test."
    )


def test_no_plan() -> None:
    completed = design(sample_size=None, completed_at=START + timedelta(days=10))
    decision = _ends(completed, rates=[0.1, 0.2])
    assert _fell(decision) == ("no_plan", "final", None, day(24))
    assert decision.reason == "There was no sample size, so no day was fixed on which to decide: no variant is chosen."


def test_sample_ratio_mismatch() -> None:
    decision = _ends(design(), users=[100, 125], rates=[0.1, 0.2])
    assert _fell(decision) == ("sample_ratio_mismatch", "horizon", None, day(24))
    assert decision.reason == (
        "Users are not split as planned (1,000 and 1,250 users where 50.0 % and 50.0 % were planned, p 1.4e-07): who "
        "is missing may differ, so no variant is chosen."
    )


def test_sample_ratio_mismatch_before_exclusions() -> None:
    decision = _ends(design(), rates=[0.1, 0.2], excluded=[0, 200])
    assert decision.outcome == "sample_ratio_mismatch"
    assert "before exclusions p 2.0e-05 of 50.0 % and 50.0 %" in decision.reason


def test_linkage_differs() -> None:
    decision = _ends(design(), rates=[0.1, 0.2], shares={"unlinked_users": [0.02, 0.08]})
    assert _fell(decision) == ("linkage_differs", "horizon", None, day(24))
    assert decision.reason == (
        "Users without a known e-mail or phone are not the same share everywhere (control 2.0 % and a 8.0 %; "
        "p 7.5e-10): their sales are missing, so no variant is chosen."
    )


def test_tracking_differs_matters_where_only_clicks_count() -> None:
    clicks = {"shares": {"attributed_users": [0.9, 0.4]}, "rates": [0.1, 0.2]}
    decision = _ends(design(outcome_scope="attributed"), **clicks)
    assert _fell(decision) == ("tracking_differs", "horizon", None, day(24))
    assert decision.reason == (
        "Buyers with a click are not the same share everywhere (control 90.0 % and a 40.0 %; p 1.7e-16): a variant may "
        "lose clicks, so no variant is chosen."
    )
    assert _ends(design(), **clicks).outcome == "winner"


@pytest.mark.parametrize(
    ("weights", "said"), [((0.5, 0.5), "needed 1,000 a variant, a has 630."), ((0.4, 0.6), "a has 700 of 1,200.")]
)
def test_sample_size_not_reached(weights: tuple[float, float], said: str) -> None:
    completed = design(completed_at=START + timedelta(days=7), weights=weights)
    users = [100, 90] if weights[0] == 0.5 else [67, 100]
    decision = _ends(completed, users=users, rates=[0.1, 0.1], assigned_days=7)
    assert _fell(decision) == ("sample_size_not_reached", "final", None, day(21))
    assert decision.reason == f"The test was completed before every variant had its users: {said}"
    assert decision.horizon_day is None


def test_too_few_conversions() -> None:
    decision = _ends(design(), rates=[0.1, 0.009])
    assert _fell(decision) == ("too_few_conversions", "horizon", None, day(24))
    assert decision.reason == "a has 9 converted users; with fewer than 10, nothing can be said."


def test_not_significant() -> None:
    decision = _ends(design(), rates=[0.1, 0.11])
    assert _fell(decision) == ("not_significant", "horizon", None, day(24))
    assert decision.reason == (
        "No difference beyond chance: a converts 10.0 % better than control (-14.8 % to 42.1 %)."
    )


def test_guardrail_broken() -> None:
    rails = (guardrail("avg_order_value", 0.05), guardrail("revenue_per_user"))
    decision = _ends(design(guardrails=rails), rates=[0.1, 0.15], prices=[50, 30])
    assert _fell(decision) == ("guardrail_broken", "horizon", None, day(24))
    assert decision.reason == (
        "a converts 50.0 % better than control (18.4 % to 90.2 %). But a guardrail is broken: avg_order_value of a "
        "is at -46.0 % to -33.3 % with 5.0 % tolerated. No variant is chosen."
    )
    assert [(rail["metric"], rail["broken"]) for rail in decision.inputs["guardrails"]] == [
        ("avg_order_value", True),
        ("revenue_per_user", False),
    ]


def test_a_guardrail_that_must_be_proven() -> None:
    """Ten per cent lower is tolerated, and the interval reaches further down: not proven, and not broken."""
    for rule, outcome in (("proven", "guardrail_broken"), ("not_worse", "winner")):
        rails = (guardrail("avg_order_value", 0.1, rule),)
        assert _ends(design(guardrails=rails), rates=[0.1, 0.15], prices=[50, 48]).outcome == outcome
    rails = (guardrail("avg_order_value", 0.2, "proven"),)
    decision = _ends(design(guardrails=rails), rates=[0.1, 0.15], prices=[50, 48])
    assert decision.reason.endswith("split as planned (p 1.000); guardrail avg_order_value holds.")


def test_a_variant_that_breaks_a_guardrail_leaves_the_other_to_win() -> None:
    test = design(**ABC, guardrails=(guardrail("avg_order_value"),))
    decision = _ends(test, rates=[0.1, 0.2, 0.17], prices=[50, 20, 50])
    assert (decision.outcome, decision.winner_variant) == ("winner", "b")


def test_control_better() -> None:
    decision = _ends(design(), rates=[0.15, 0.1])
    assert _fell(decision) == ("control_better", "horizon", "control", day(24))
    assert decision.reason == "a converts 33.3 % worse than control (-47.4 % to -15.5 %). Keep control."


def test_winner() -> None:
    decision = _ends(design(), rates=[0.1, 0.15])
    assert _fell(decision) == ("winner", "horizon", "a", day(24))
    assert decision.horizon_day == day(10)
    assert decision.reason == (
        "a converts 50.0 % better than control (18.4 % to 90.2 %); split as planned (p 1.000); no guardrail."
    )


def test_of_several_winners_the_largest_estimate_is_kept_and_of_equal_ones_the_first() -> None:
    assert _ends(design(**ABC), rates=[0.1, 0.16, 0.17]).winner_variant == "b"
    assert _ends(design(**ABC), rates=[0.1, 0.17, 0.17]).winner_variant == "a"


def test_mixed() -> None:
    decision = _ends(design(**ABC), rates=[0.15, 0.09, 0.15])
    assert _fell(decision) == ("mixed", "horizon", None, day(24))
    assert decision.reason == (
        "Some do worse and none better: a converts 40.0 % worse than control (-53.1 % to -23.3 %); b converts 0.0 % "
        "better than control (-18.8 % to 23.2 %). No variant is chosen."
    )


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("orders_per_user", "a has 50.0 % more orders per user than control (18.3 % to 90.2 %)"),
        ("revenue_per_user", "a has 50.0 % more revenue per user than control (14.6 % to 96.4 %)"),
    ],
)
def test_other_metrics_have_their_words(metric: str, said: str) -> None:
    decision = _ends(design(primary_metric=metric), rates=[0.1, 0.15])
    assert decision.reason.startswith(said), decision.reason


def test_order_values_have_their_words() -> None:
    decision = _ends(design(primary_metric="avg_order_value"), rates=[0.3, 0.3], prices=[40, 50])
    assert decision.reason.startswith("a has orders worth 25.0 % more than those of control (")
    decision = _ends(design(primary_metric="avg_order_value"), rates=[0.3, 0.3], prices=[50, 40])
    assert decision.reason.startswith("a has orders worth 20.0 % less than those of control (")


def test_an_obvious_winner_ends_early_but_not_in_the_first_week() -> None:
    test = design(sample_size=20_000)
    found = course(test, totals(test, 30, users=[200, 200], rates=[0.1, 0.2]))
    decision = decided(found)
    assert _fell(decision) == ("winner", "early", "a", day(7))
    assert decision.horizon_day is None
    assert decision.inputs["population"] == "so_far"
    assert decided(course(test, totals(test, 30, users=[200, 200], rates=[0.2, 0.1]))).outcome == "control_better"


def test_what_would_not_be_won_does_not_end_early() -> None:
    """A broken guardrail, a wrong split, and a result that differs in both directions wait for the horizon."""
    obvious: dict[str, Any] = {"users": [200, 200], "rates": [0.1, 0.2]}
    rails = design(sample_size=20_000, guardrails=(guardrail("avg_order_value"),))
    assert waiting(course(rails, totals(rails, 40, **obvious, prices=[50, 20]))).day == day(40)
    split = design(sample_size=20_000)
    assert waiting(course(split, totals(split, 40, users=[200, 150], rates=[0.1, 0.2]))).day == day(40)
    mixed = design(**ABC, sample_size=30_000)
    assert waiting(course(mixed, totals(mixed, 40, users=[200] * 3, rates=[0.2, 0.1, 0.2]))).day == day(40)


def test_the_horizon_reads_those_who_are_mature() -> None:
    """Who was assigned after the day on which there were enough users is not among the mature."""
    test = design()
    found = totals(test, 24, users=[100, 100], rates=[0.1, 0.14])
    found["converted_users"][:, 0, 1] = found["converted_users"][:, 0, 0]
    decision = decided(course(test, found))
    assert (decision.kind, decision.inputs["population"]) == ("horizon", "mature")
    assert decision.inputs["variants"][1]["users"] == 1_000
    assert decision.inputs["variants"][1]["users_so_far"] == 2_400


def test_what_comes_after_the_decision_changes_nothing() -> None:
    test = design()
    found = totals(test, 60, users=[100, 100], rates=[0.1, 0.11])
    found["converted_users"][30:, :, 1] *= 2
    first = decided(course(test, {name: sums[:24] for name, sums in found.items()}))
    assert decided(course(test, found)) == first


def test_a_day_less_than_the_horizon_waits() -> None:
    test = design()
    found = course(test, totals(test, 23, users=[100, 100], rates=[0.1, 0.12]))
    undecided = waiting(found)
    assert undecided.reason.startswith("waiting: 2,300 and 2,300 of 1,000 users a variant; decision on 2026-03-24;")
    assert (undecided.forecast.complete, undecided.forecast.decision_day) == (True, day(24))


def test_waiting_says_how_many_users_there_are_and_when_it_ends() -> None:
    test = design(sample_size=28_724)
    found = course(test, totals(test, 9, users=[930, 930], rates=[0.03, 0.03]))
    # 14,362 - 8,370 users at 930 a day are there after 7 more days, and mature after 14 more.
    assert waiting(found).reason == (
        "waiting: 8,370 and 8,370 of 14,362 users a variant; decision about 2026-03-30; detectable now: 27 %"
    )
    slow = totals(test, 20, users=[100, 100], rates=[0.03, 0.03], assigned_days=10)
    assert "no decision in sight: too few users come" in waiting(course(test, slow)).reason
    unequal = design(weights=(0.8, 0.2), sample_size=10_000)
    found = course(unequal, totals(unequal, 3, users=[800, 200], rates=[0.03, 0.03]))
    assert "2,400 of 8,000 and 600 of 2,000 users; decision about 2026-03-24" in waiting(found).reason


def test_waiting_without_a_plan_without_users_and_for_the_last_window() -> None:
    unplanned = design(sample_size=None)
    assert waiting(course(unplanned, totals(unplanned, 3, users=[5, 5], rates=[0, 0]))).reason == (
        "waiting: 15 and 15 users; there is no sample size, so no variant will be chosen"
    )
    nobody = waiting(course(design(), totals(design(), 0, users=[0, 0], rates=[0, 0])))
    assert nobody.reason == "waiting: 0 and 0 of 1,000 users a variant; no decision in sight: too few users come"
    assert nobody.day is None
    completed = design(completed_at=START + timedelta(days=3), config_digest="changed")
    found = course(completed, totals(completed, 3, users=[5, 5], rates=[0, 0]))
    assert waiting(found).reason == (
        "waiting: 15 and 15 of 1,000 users a variant; completed too early: decision on 2026-03-17, when the last "
        "window is over; what starting froze was changed: no variant will be chosen"
    )


def test_a_decision_is_judged_again_on_its_own_day() -> None:
    """Sales that arrived late for the control leave no difference on the day that decided."""
    test = design(sample_size=20_000)
    found = totals(test, 30, users=[200, 200], rates=[0.1, 0.2])
    before = decided(course(test, found))
    found["converted_users"][:, :, 0] = found["converted_users"][:, :, 1]
    again = decide_again(course(test, found), before.kind, before.decision_day)
    assert (again.outcome, again.decision_day, again.kind) == ("not_significant", before.decision_day, "early")


def test_the_decision_of_a_real_test() -> None:
    """Hillstrom's customers got their e-mails at once: everybody is mature on the last day."""
    expected = VECTORS["hillstrom_decision"]
    groups = hillstrom()
    test = design(variants=tuple(groups), sample_size=60_000)
    found = {name: np.zeros((15, 2, 3)) for name in totals(test, 1, users=[0] * 3, rates=[0] * 3)}
    for name, of_user in (("users_count", "n"), ("converted_users", "conv")):
        found[name][14] = [float(sums[of_user]) for sums in groups.values()]
    found["users_count"][:14, 0] = found["users_count"][14, 0]
    decision = decided(course(test, found))
    assert _fell(decision) == ("winner", "horizon", expected["winner"], day(15))
    assert decision.inputs["health"]["srm_p_value"] == pytest.approx(expected["srm_p_value"], rel=1e-9)
    for ours, theirs in zip(decision.inputs["variants"][1:], expected["variants"], strict=True):
        for name in ("p_value", "p_value_always_valid", "p_value_decision", "p_value_adjusted", "lift"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-8)
    assert decision.reason == (
        "mens converts 118.8 % better than control (76.9 % to 170.8 %); split as planned (p 0.904); no guardrail."
    )
