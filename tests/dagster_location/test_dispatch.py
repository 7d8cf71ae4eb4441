"""Replays of days against the local Conversions API: what is sent, what is not, and what is shown of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg
from dagster_location.dispatching import (
    JOB,
    SENT,
    day_before,
    rows_of,
    shown,
    since_noon,
)
from delivery.scenes import insert_sales, outcomes, queued
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.defs import metadata

AddTenant = Callable[..., str]
RunJob = Callable[..., dg.ExecuteInProcessResult]
RESEND = "resend_already_sent_at_the_risk_of_counting_twice"


def run_config(**config: object) -> dict[str, Any]:
    return {"ops": {"capi_dispatches": {"config": config}}}


def accepted(box: Sandbox) -> set[int]:
    """How often events were accepted."""
    return {event.accepted for event in box.events()}


def test_a_replayed_day_or_range_sends_nothing_twice_unless_told_to(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    days = [day_before(3), day_before(2), day_before(1)]
    for day in days:
        insert_sales(connection, acme, 2, ago=since_noon(day))
        insert_sales(connection, other, 1, ago=since_noon(day), fbp="fb.1.1790000000000.77")
    (bad,) = insert_sales(connection, acme, 1, ago=since_noon(days[0]), currency="XXQ")

    # A run delivers all that is due, whatever its day, and shows each day.
    first = shown(run_job(JOB, partition_key=days[0].isoformat()))
    assert {day: (reported["sent"], reported["failed"], reported["retried"]) for day, reported in first.items()} == {
        days[0].isoformat(): (3, 1, 0),
        days[1].isoformat(): (3, 0, 0),
        days[2].isoformat(): (3, 0, 0),
    }
    own = first[days[0].isoformat()]
    assert rows_of(own["by tenant"]) == [["acme", "2", "1", "0"], ["other", "1", "0", "0"]]
    assert (own["sent in this run"], own["failed in this run"], own["requests"], own["waiting"]) == (9, 1, 2, 0)
    assert own["queued again"] == 0
    coverage = rows_of(own["key coverage"])
    assert [row[:2] for row in coverage] == [["all", "3"], ["acme", "2"], ["other", "1"]]
    assert coverage[0][2:] == ["100%", "0%", "0%", "33%", "0%", "100%", "0%"]
    assert accepted(box) == {1}

    one = shown(run_job(JOB, partition_key=days[0].isoformat()))
    assert set(one) == {days[0].isoformat()}
    assert (one[days[0].isoformat()]["queued again"], one[days[0].isoformat()]["sent in this run"]) == (1, 0)
    assert outcomes(connection)[bad] == [("failed", "bad_currency")] * 2
    all_days = shown(run_job(JOB, days=days))
    assert set(all_days) == {day.isoformat() for day in days}
    assert accepted(box) == {1}

    again = shown(run_job(JOB, days=days[1:], run_config=run_config(**{RESEND: True})))
    assert [again[day.isoformat()]["sent"] for day in days[1:]] == [3, 3]
    assert sorted(event.accepted for event in box.events()) == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert len(outcomes(connection)[bad]) == 3


def test_a_replay_sends_what_was_lost_and_leaves_out_what_is_too_old(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant, instance: dg.DagsterInstance
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, acme, 1, ago=timedelta(days=70))
    lost = insert_sales(connection, acme, 2, ago=since_noon(day_before(1)))
    connection.execute("TRUNCATE trackai.dispatch_queue")
    result = run_job(JOB, days=[day_before(70), day_before(1)])
    assert outcomes(connection) == {sale: [SENT] for sale in lost}
    assert shown(result)[day_before(1).isoformat()]["queued again"] == 2
    assert shown(result)[day_before(70).isoformat()]["sent"] == 0
    assert "Meta takes events for seven days" in "".join(
        entry.user_message for entry in instance.all_logs(result.run_id)
    )
    assert queued(connection) == []


def test_what_waits_is_shown_with_its_reason(
    run_job: RunJob, box: Sandbox, connection: Connection, add_tenant: AddTenant
) -> None:
    acme, other = add_tenant("acme", pixel_id="1001"), add_tenant("other", pixel_id="1002")
    insert_sales(connection, acme, 2, ago=timedelta(hours=3))
    insert_sales(connection, other, 1, ago=timedelta(hours=2))
    insert_sales(connection, add_tenant("new"), 1, ago=timedelta(hours=1))
    box.misbehave(do="error", code=190, pixel="1001")
    box.misbehave(do="error", code=17, wait_seconds=900, pixel="1002")
    day = day_before(0).isoformat()
    reported = shown(run_job(JOB, partition_key=day))[day]
    assert (reported["retried in this run"], reported["failed requests"], reported["waiting"]) == (3, 2, 4)
    waiting = {tenant: (events, why) for tenant, events, _, why in rows_of(reported["waiting by tenant"])}
    assert list(waiting) == ["acme", "other", "new"]
    assert waiting["acme"][0] == "2"
    for tenant, reason in {"acme": "access token", "other": "rate limit", "new": "has no pixel"}.items():
        assert reason in waiting[tenant][1]


def test_tables_stay_small() -> None:
    tenants = metadata.ROWS_SHOWN + 30
    rows: list[list[metadata.Cell]] = [[f"shop-{n}", n, "a | b\nc"] for n in range(tenants)]
    lines = str(metadata.table(["tenant", "events", "why"], rows).value).splitlines()
    assert lines[:3] == ["| tenant | events | why |", "| --- | ---: | --- |", r"| shop-0 | 0 | a \| b c |"]
    assert len(lines) == 2 + metadata.ROWS_SHOWN + 1
    assert lines[-1] == f"| 30 more | {sum(range(metadata.ROWS_SHOWN, tenants)):,} |  |"
