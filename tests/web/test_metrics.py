"""/metrics: the domains' figures on a real database, in a form that Prometheus reads."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from declared import TABLES
from delivery.scenes import insert_sales
from prometheus_client.parser import text_string_to_metric_families
from psycopg import Connection
from web.serving import serving

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.domain import Checkup, Domain, Metric


def scraped(url: str, *more: Domain, clock: Clock = utc_now) -> dict[tuple[str, ...], float]:
    """The samples of a scrape: number by name and values of labels."""
    with serving(url, *more, clock=clock) as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_an_empty_database_has_its_figures(database_url: str, connection: Connection[Any]) -> None:
    now = utc_now()
    create_partitions_ahead(connection, TABLES, today=now.date())
    found = scraped(database_url, clock=lambda: now)
    assert found["trackai_database_up",] == 1
    assert found["trackai_conversions_waiting",] == 0
    assert found["trackai_conversions_oldest_wait_seconds",] == 0
    assert found["trackai_events_waiting", "next_dispatch"] == 0
    assert found["trackai_ingest_rejects_last_day",] == 0
    assert found["trackai_partitions_ahead_days", "match_log"] == 28
    assert ("trackai_aggregate_latest_day_timestamp_seconds",) not in found
    up = {name[1]: number for name, number in found.items() if name[0] == "trackai_domain_up"}
    assert up == dict.fromkeys(up, 1)
    assert set(up) == {"ingest", "matching", "match_rates", "delivery", "flags", "lifecycle", "residents"}


def test_what_waits_and_why(
    database_url: str, connection: Connection[Any], add_tenant: Callable[..., str], add_sale: Callable[..., None]
) -> None:
    now = utc_now()
    acme, asleep = add_tenant("acme", pixel_id="1"), add_tenant("asleep", pixel_id="2", status="suspended")
    blocked = add_tenant("blocked", pixel_id="3")
    insert_sales(connection, acme, 3, ago=timedelta(hours=2))
    insert_sales(connection, blocked, 2, ago=timedelta(hours=5))
    # They are matched already.
    connection.execute("DELETE FROM trackai.match_queue")
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, state, opened_at, retry_at, reason)"
        " VALUES (%s, 'open', now(), now() + interval '1 hour', 'no token')",
        (blocked,),
    )
    add_sale(acme, "evt_1", created_at=now - timedelta(minutes=10))
    add_sale(asleep, "evt_1", created_at=now - timedelta(days=1))
    connection.execute(
        "INSERT INTO trackai.leases (name, holder, taken_at, expires_at, leaves_at) VALUES"
        " ('match_conversions', 'a', now(), now() + interval '1 minute', now()),"
        " ('match_conversions', 'b', now(), now() - interval '1 minute', now()),"
        " ('dispatch_conversions', 'c', NULL, now() + interval '1 minute', now())"
    )
    connection.execute(
        "INSERT INTO trackai.ingest_rejects (source, line, reason, digest, created_at) VALUES"
        " ('f', 1, 'bad', '', now()), ('f', 2, 'bad', '', now() - interval '25 hours')"
    )
    found = scraped(database_url)
    assert found["trackai_conversions_waiting",] == 1
    assert 600 <= found["trackai_conversions_oldest_wait_seconds",] < 900
    assert found["trackai_events_waiting", "next_dispatch"] == 3
    assert found["trackai_events_waiting", "circuit_open"] == 2
    assert found["trackai_events_oldest_due_sale_seconds",] >= 5 * 3600
    assert found["trackai_circuits_open", "blocked"] == 1
    assert found["trackai_residents_alive", "match_conversions"] == 1
    assert found["trackai_residents_alive", "dispatch_conversions"] == 0
    assert found["trackai_ingest_rejects_last_day",] == 1


def test_the_latest_aggregate(database_url: str, connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    add_tenant("acme")
    for day, computed in (("2026-01-09", "2026-01-12 00:30:00+00"), ("2026-01-10", "2026-01-11 00:30:00+00")):
        connection.execute(
            "INSERT INTO trackai.daily_match_rates (tenant_id, day, gateway, currency, conversions, fbc, fbp, email,"
            " unmatched, pending, value_total, value_matched, computed_at)"
            " VALUES ('t-acme', %s, 'stripe', 'USD', 1, 1, 0, 0, 0, 0, 10, 10, %s)",
            (day, computed),
        )
    found = scraped(database_url)
    assert found["trackai_aggregate_latest_day_timestamp_seconds",] == 1768003200
    assert found["trackai_aggregate_latest_run_timestamp_seconds",] == 1768091400


def test_a_domain_whose_figures_fail_leaves_the_others_alone(database_url: str) -> None:
    def toys(checkup: Checkup) -> Iterator[Metric]:
        yield Metric(name="toys", says="Toys.", labels=("kind",), samples=[(('a "b"\n',), 2.5)])

    def broken(checkup: Checkup) -> Iterator[Metric]:
        checkup.connection.execute("SELECT no_such_column")
        yield Metric(name="never", says="Never.")

    def slow(checkup: Checkup) -> Iterator[Metric]:
        checkup.connection.execute("SELECT pg_sleep(3600)")
        yield Metric(name="never", says="Never.")

    found = scraped(
        database_url,
        Domain(name="broken", says="Fails.", metrics=broken),
        Domain(name="slow", says="Is slow.", metrics=slow),
        Domain(name="toys", says="Toys.", metrics=toys),
    )
    assert found["trackai_toys", 'a "b"\n'] == 2.5
    assert found["trackai_domain_up", "toys"] == found["trackai_domain_up", "delivery"] == 1
    assert found["trackai_domain_up", "broken"] == found["trackai_domain_up", "slow"] == 0
    assert found["trackai_database_up",] == 1


def test_requests_are_counted_by_route_and_never_by_path(database_url: str) -> None:
    with serving(database_url) as client:
        client.get("/nothing/someone@example.com")
        client.request("PURGE", "/version")
        text = client.get("/metrics").text
    assert 'trackai_http_request_seconds_count{method="GET",route="unmatched",status="404"} 1.0' in text
    assert 'trackai_http_request_seconds_count{method="other",route="/version",status="405"} 1.0' in text
    assert "someone" not in text
    assert "PURGE" not in text


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "text/plain;version=0.0.4"])
def test_prometheus_gets_the_format_that_it_asks_for(database_url: str, accept: str) -> None:
    with serving(database_url) as client:
        answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(accept.partition(";")[0])
    assert answer.text.endswith("# EOF\n") is ("openmetrics" in accept)
