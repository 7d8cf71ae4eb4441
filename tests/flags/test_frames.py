"""Frames of flags: the rows of tables and views, with types that do not depend on them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from declared import TABLES
from flag_values.world import add_flag
from flags.usage import row, write
from psycopg import Connection

import trackai_pipelines.flags
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values import client
from trackai_pipelines.flags import frames
from trackai_pipelines.flags.analytics import expose_days

DAY = date(2026, 3, 5)
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def clock() -> datetime:
    return NOON + timedelta(hours=1)


@pytest.fixture
def flag(connection: Connection[Any], add_tenant: Callable[..., str]) -> int:
    create_partitions_ahead(connection, TABLES, today=DAY, days=2)
    add_tenant("acme")
    return add_flag(connection, "theme", track_exposures=True)


def test_usage_has_the_checks_of_the_days(connection: Connection[Any], flag: int) -> None:
    other = add_flag(connection, "other")
    write(
        connection,
        [
            row(flag, NOON, checks=3, response_us=None, bucket=17),
            row(flag, NOON - timedelta(days=1), value_used=None, variant_key=None, user_id=None),
            row(other, NOON),
        ],
    )
    frame = frames.usage(connection, "theme", 2, clock=clock)
    assert list(frame["accessed_at"]) == [pd.Timestamp(NOON - timedelta(days=1)), pd.Timestamp(NOON)]
    assert list(frame["tenant"]) == ["acme", "acme"]
    assert list(frame["checks"]) == [1, 3]
    assert frame["bucket"].isna().tolist() == [True, False]
    assert frame["response_us"].isna().tolist() == [False, True]
    assert frame["value_used"].isna().tolist() == frame["user_id"].isna().tolist() == [True, False]
    assert len(frames.usage(connection, "theme", 1, clock=clock)) == 1


def test_exposures_have_the_first_variant(connection: Connection[Any], flag: int) -> None:
    write(
        connection,
        [row(flag, NOON, variant_key="a"), row(flag, NOON + timedelta(minutes=1)), row(flag, NOON, user_id="u2")],
    )
    list(expose_days(connection, [DAY]))
    frame = frames.exposures(connection, "theme", clock=clock)
    assert list(zip(frame["user_id"], frame["variant_key"], frame["crossed"], strict=True)) == [
        ("u1", "a", True),
        ("u2", "on", False),
    ]


@pytest.mark.parametrize("frame_of", [frames.usage, frames.exposures])
def test_types_are_the_same_without_rows(
    connection: Connection[Any], flag: int, frame_of: Callable[..., pd.DataFrame]
) -> None:
    empty = frame_of(connection, "theme", clock=clock)
    write(connection, [row(flag, NOON)])
    list(expose_days(connection, [DAY]))
    filled = frame_of(connection, "theme", clock=clock)
    assert (len(empty), len(filled)) == (0, 1)
    assert empty.dtypes.to_dict() == filled.dtypes.to_dict()


def test_a_preview_says_what_changes_and_changes_nothing(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    add_tenant("acme")
    flag = add_flag(connection, "theme")
    now = datetime.now(UTC)
    version = connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone()
    assert version is not None
    write(connection, [row(flag, now, user_id=f"u{number}", flag_version=version[0]) for number in range(20)])
    frame = frames.preview(connection, "theme", {"enabled": False})
    (found,) = frame.to_dict("records")
    assert (found["tenant"], found["users"], found["lose"], found["gain"]) == ("acme", 20, 20, 0)
    assert connection.execute("SELECT max(id) FROM trackai.feature_flag_versions").fetchone() == version


def test_an_unknown_flag_is_named(connection: Connection[Any]) -> None:
    with pytest.raises(ExpectedError, match="no_such_flag"):
        frames.usage(connection, "no_such_flag")


def test_flags_are_opened_by_the_domains_name() -> None:
    assert trackai_pipelines.flags.open_flags is client.open_flags
    with pytest.raises(AttributeError, match="no_such_name"):
        trackai_pipelines.flags.no_such_name  # noqa: B018
