"""Removal effects and Shapley shares: against reference figures, and against their definitions in exact fractions."""

import json
from fractions import Fraction
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.campaigns.markov import Outcomes, solve
from trackai_pipelines.campaigns.shapley import LARGEST_SET, sets_of, shares

VECTORS = json.loads((Path(__file__).parent / "vectors" / "path_sets.json").read_text(encoding="utf-8"))
Paths = dict[tuple[str, ...], Outcomes]
# What floats may differ from exact fractions by.
NEAR = 1e-12


def paths_of(vector: dict[str, Any]) -> Paths:
    return {tuple(row["path"]): (row["conversions"], row["without_conversion"]) for row in vector["paths"]}


def shapley_conversions(paths: Paths) -> dict[str, float]:
    """The conversions of each unit: every set's, by its shares."""
    sets = sets_of(paths)
    total: dict[str, float] = {}
    for units, of in shares(sets).items():
        for unit, share in of.items():
            total[unit] = total.get(unit, 0.0) + share * sets[units][0]
    return total


@pytest.mark.parametrize("vector", VECTORS["path_sets"], ids=lambda vector: vector["name"])
def test_reference_chains(vector: dict[str, Any]) -> None:
    chain = solve(paths_of(vector))
    expected = vector["markov"]
    assert chain.conversion_probability == pytest.approx(
        float(Fraction(expected["conversion_probability"]["fraction"])), abs=NEAR
    )
    effects = {unit: float(Fraction(of["fraction"])) for unit, of in expected["removal_effects"].items()}
    assert chain.removal_effects == pytest.approx(effects, abs=NEAR)
    if expected["conversions_by_normalised_removal_effect"]:
        total, conversions = sum(chain.removal_effects.values()), sum(row["conversions"] for row in vector["paths"])
        credited = {unit: effect / total * conversions for unit, effect in chain.removal_effects.items()}
        assert credited == pytest.approx(expected["conversions_by_normalised_removal_effect"], abs=NEAR)


@pytest.mark.parametrize("vector", VECTORS["path_sets"], ids=lambda vector: vector["name"])
def test_reference_shares(vector: dict[str, Any]) -> None:
    sets = sets_of(paths_of(vector))
    found = shares(sets)
    expected = vector.get("shapley", [])
    assert set(found) == {tuple(row["set"]) for row in expected}
    for row in expected:
        units = tuple(row["set"])
        assert sets[units][0] == row["conversions"]
        assert Fraction(sets[units][0], sum(sets[units])) == Fraction(row["value"])
        exact = {unit: float(Fraction(share)) for unit, share in row["share"].items()}
        assert found[units] == exact
    if "shapley_conversions" in vector:
        assert shapley_conversions(paths_of(vector)) == pytest.approx(vector["shapley_conversions"], abs=NEAR)


@pytest.mark.parametrize("vector", VECTORS["random_path_sets"])
def test_random_reference_figures(vector: dict[str, Any]) -> None:
    chain = solve(paths_of(vector))
    assert chain.conversion_probability == pytest.approx(vector["conversion_probability"], abs=NEAR)
    assert chain.removal_effects == pytest.approx(vector["removal_effects"], abs=NEAR)
    assert shapley_conversions(paths_of(vector)) == pytest.approx(vector["shapley_conversions"], abs=NEAR)


path_sets = st.dictionaries(
    st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=7).map(tuple),
    st.tuples(st.integers(0, 5), st.integers(0, 9)),
    min_size=1,
    max_size=12,
)


def probability(paths: Paths, without: str | None = None) -> Fraction:
    """P(conversion) in the chain of the paths, with every move into `without` ending in (null), in exact fractions."""
    moves: dict[str, dict[str, int]] = {}
    for path, (conversions, nulls) in paths.items():
        for end, count in (("(conversion)", conversions), ("(null)", nulls)):
            steps = ("(start)", *path, end)
            for before, after in pairwise(steps):
                of = moves.setdefault(before, {})
                of[after] = of.get(after, 0) + count
    states = [state for state, of in moves.items() if sum(of.values()) and state != without]
    place = {state: at for at, state in enumerate(states)}
    rows = []
    for state in states:
        total = sum(moves[state].values())
        row = [Fraction(int(other == state)) for other in states]
        row.append(Fraction(moves[state].get("(conversion)", 0), total))
        for after, count in moves[state].items():
            if after in place:
                row[place[after]] -= Fraction(count, total)
        rows.append(row)
    for at in range(len(rows)):
        pivot = next(other for other in range(at, len(rows)) if rows[other][at])
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in range(len(rows)):
            if other != at and rows[other][at]:
                factor = rows[other][at]
                rows[other] = [value - factor * of for value, of in zip(rows[other], rows[at], strict=True)]
    return Fraction(rows[place["(start)"]][-1]) if states else Fraction(0)


@given(path_sets)
def test_a_removal_effect_is_what_is_lost_when_a_unit_leads_nowhere(paths: Paths) -> None:
    chain = solve(paths)
    whole = probability(paths)
    assert chain.conversion_probability == pytest.approx(float(whole), abs=NEAR)
    for unit, effect in chain.removal_effects.items():
        lost = 1 - probability(paths, without=unit) / whole if whole else 0
        assert effect == pytest.approx(float(lost), abs=NEAR)
        assert 0 <= effect <= 1


@given(path_sets)
def test_shares_are_what_a_unit_adds_in_any_order(paths: Paths) -> None:
    sets = sets_of(paths)
    worth = {units: Fraction(of[0], sum(of)) for units, of in sets.items() if sum(of)}
    for units, found in shares(sets).items():
        orders = list(permutations(units))
        values = {
            unit: sum(
                (
                    worth.get(tuple(sorted(order[: order.index(unit) + 1])), Fraction(0))
                    - worth.get(tuple(sorted(order[: order.index(unit)])), Fraction(0))
                    for order in orders
                ),
                Fraction(0),
            )
            for unit in units
        }
        positive = {unit: max(value, Fraction(0)) for unit, value in values.items()}
        total = sum(positive.values())
        assert found == {unit: float(value / total) if total else 1 / len(units) for unit, value in positive.items()}


@given(path_sets)
def test_repeats_of_a_unit_and_the_order_of_paths_change_nothing(paths: Paths) -> None:
    doubled = {tuple(unit for unit in path for _ in range(2)): of for path, of in reversed(paths.items())}
    assert solve(doubled) == solve(paths)


def test_sets_of_many_units_share_equally() -> None:
    many = tuple(f"unit {number}" for number in range(LARGEST_SET + 1))
    found = shares(sets_of({many: (3, 1), many[:1]: (5, 1), many[1:]: (2, 0)}))
    assert found[many] == dict.fromkeys(many, 1 / len(many))
    assert found[many[1:]] == dict.fromkeys(many[1:], 1 / LARGEST_SET)


def test_a_path_without_units_is_refused() -> None:
    with pytest.raises(ValueError, match="no units"):
        solve({(): (1, 0)})
