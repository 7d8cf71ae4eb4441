"""Frames of tests: the rows of tables and views, with types that do not depend on them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from experiments import accounted
from psycopg import Connection

from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.experiments import frames


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a test of each population, and another tenant with the same."""
    tenant = add_tenant("acme")
    for each in (tenant, add_tenant("globex")):
        checkout, _ = accounted.build(connection, each)
        accounted.put_figures(connection, each, checkout, "so_far", "mature")
    return tenant


def test_results_have_every_comparison_and_what_is_behind_it(connection: Connection[Any], tenant: str) -> None:
    frame = frames.results_frame(connection, "acme", "checkout")
    # From the third day on.
    assert len(frame) == 18 * 2 * 2
    last = frame[frame["day"] == pd.Timestamp(accounted.LAST)]
    assert list(zip(last["population"], last["variant"], strict=True)) == [
        ("so_far", "control"), ("so_far", "a"), ("mature", "control"), ("mature", "a")
    ]  # fmt: skip
    assert list(last["users"]) == [3, 2, 3, 2]
    assert list(last["revenue"]) == [190.0, 200.0, 190.0, 200.0]
    assert list(last["lift"].isna()) == [True, False, True, False]
    assert str(frame["estimate"].dtype) == "float64"
    assert frames.results_frame(connection, tenant, "banner").empty


def test_users_have_their_variant_and_what_they_bought(connection: Connection[Any], tenant: str) -> None:
    frame = frames.users_frame(connection, "acme", "banner").set_index("user_id")
    assert set(frame.index) == {user for user, *_ in accounted.USERS}
    exclusions = frame["exclusion"].dropna().to_dict()
    assert exclusions == {user: reason for user, _, _, reason in accounted.USERS if reason}
    assert frame.loc["u1", "conversions"] == 2
    assert frame.loc["u2", "revenue"] == 200.0
    assert frame.loc["u5", "revenue"] == 0.0
    assert pd.isna(frame.loc["u5", "first_conversion_at"])


def test_what_does_not_exist_is_refused(connection: Connection[Any], tenant: str) -> None:
    with pytest.raises(ExpectedError, match="no tenant nobody"):
        frames.users_frame(connection, "nobody", "checkout")
    with pytest.raises(ExpectedError, match="no test nothing"):
        frames.results_frame(connection, "acme", "nothing")
