"""Segments: which are allowed, and what changes with them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flags.changing import ANA, audit, change, create, rows_differ_from_history, versions
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.flags.altering import change_row
from trackai_pipelines.flags.recording import writing
from trackai_pipelines.flags.rules import FlagRefusedError
from trackai_pipelines.flags.segments import define, delete, find_segment


def _define(connection: Connection[Any], name: str, kind: str, definition: Any = None) -> tuple[int, ...]:
    with writing(connection, utc_now) as now:
        return define(connection, name, kind, definition, ANA, now).versions


def _in_segment(segment: str, weight: int = 100) -> Any:
    return change_row("on", segment, weight=weight, value=None, active=None, position=None, remove=False)


def test_a_condition_that_changes_is_a_version_of_each_flag_that_uses_it(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    add_tenant("acme")
    assert _define(connection, "staff", "attribute", {"staff": True}) == ()
    change(connection, "dark_mode", _in_segment("staff"))
    change(connection, "community_feed", _in_segment("staff"), tenant="acme")
    change(
        connection, "amount_chip_selector", _in_segment("staff"), effective_from=datetime.now(UTC) + timedelta(days=2)
    )
    recorded = _define(connection, "staff", "attribute", {"staff": {"$in": [True, "yes"]}})
    assert len(recorded) == 3
    for key in ("dark_mode", "community_feed", "amount_chip_selector"):
        newest = versions(connection, key)[-1]
        assert newest["state"]["segments"]["staff"]["condition"] == {"staff": {"$in": [True, "yes"]}}
        assert audit(connection, key)[-1]["action"] == "UPDATE"
    # What was planned stays planned.
    planned = versions(connection, "amount_chip_selector")[-1]
    assert planned["effective_from"] > datetime.now(UTC) + timedelta(days=1)
    assert _define(connection, "staff", "attribute", {"staff": {"$in": [True, "yes"]}}) == ()
    assert rows_differ_from_history(connection) == []
    with (
        pytest.raises(FlagRefusedError, match="in use by amount_chip_selector, community_feed, dark_mode"),
        writing(connection, utc_now) as now,
    ):
        delete(connection, "staff", now)


def test_a_segment_that_nobody_uses_is_deleted_with_its_members(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    add_tenant("acme")
    _define(connection, "pilots", "list")
    connection.execute("INSERT INTO trackai.feature_flag_segment_members VALUES ('t-acme', 'pilots', 'user-1')")
    with writing(connection, utc_now) as now:
        delete(connection, "pilots", now)
    assert find_segment(connection, "pilots") is None
    with pytest.raises(FlagRefusedError, match="no segment pilots"), writing(connection, utc_now) as now:
        delete(connection, "pilots", now)


def test_its_kind_stays(connection: Connection[Any]) -> None:
    _define(connection, "pilots", "list")
    with pytest.raises(FlagRefusedError, match="of kind list, and stays so"):
        _define(connection, "pilots", "attribute", {"plan": "premium"})


@pytest.mark.parametrize(
    ("kind", "definition", "said"),
    [
        ("attribute", {"plan": {"$regex": "x"}}, "\\$regex is not supported"),
        ("attribute", {"$and": {}}, "takes a list of conditions"),
        ("conversions", {}, "needs within_days"),
        ("conversions", {"within_days": 366}, "from 1 to 365"),
        ("conversions", {"within_days": True}, "from 1 to 365"),
        ("conversions", {"within_days": 7, "min_conversions": 0}, "from 1 on"),
        ("conversions", {"within_days": 7, "min_value": 5}, "of one currency"),
        ("conversions", {"within_days": 7, "min_value": 0, "currency": "BRL"}, "above 0"),
        ("conversions", {"within_days": 7, "min_value": 5, "currency": "BRL", "min_conversions": 1}, "not for both"),
        ("conversions", {"within_days": 7, "only_matched": "yes"}, "true or false"),
        ("conversions", {"within_days": 7, "campaign_id": ""}, "has to be a text"),
        ("conversions", {"within_days": 7, "gateway": "stripe"}, "cannot ask for gateway"),
    ],
)
def test_what_is_refused(connection: Connection[Any], kind: str, definition: Any, said: str) -> None:
    with pytest.raises(FlagRefusedError, match=said):
        _define(connection, "some", kind, definition)
    assert find_segment(connection, "some") is None


def test_what_conversions_can_ask_for(connection: Connection[Any]) -> None:
    create(connection, "pilot")
    _define(connection, "loyal", "conversions", {"within_days": 90, "min_conversions": 2, "campaign_id": "bf"})
    _define(
        connection,
        "rich",
        "conversions",
        {"within_days": 365, "min_value": 99.5, "currency": "BRL", "only_matched": True},
    )
    change(connection, "pilot", _in_segment("loyal", 50))
    assert versions(connection, "pilot")[-1]["state"]["segments"] == {
        "loyal": {"kind": "conversions", "condition": None}
    }
    # Their members change every night, and what is asked for is not part of a state.
    assert _define(connection, "loyal", "conversions", {"within_days": 30, "min_conversions": 2}) == ()
