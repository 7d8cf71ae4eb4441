"""`/metrics`: the figures that domains declare, and those of the application itself, in Prometheus' format.

What belongs here: how they are collected and written. What does not: any figure of a domain.
"""

from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import TYPE_CHECKING

import psycopg
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from trackai_pipelines.clock import Clock
from trackai_pipelines.domain import Checkup, Domain, Metric
from trackai_pipelines.web.pages import DISTRIBUTION

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

# Of one statement: a scrape comes every few seconds and must not add to the load of a database that is busy.
_STATEMENT_MS = 2000


class Metrics:
    """The registry of one application, and the route that answers with it."""

    def __init__(self, domains: tuple[Domain, ...], pool: "ConnectionPool", clock: Clock) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_DomainFigures(domains, pool, clock))
        self._requests = Histogram(
            "trackai_http_request_seconds",
            "Time until an answer was sent, by method, route and status.",
            ("method", "route", "status"),
            buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10),
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        # A client may send any word as a method.
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)

    def answer(self, request: Request) -> Response:
        """Answer a scrape, in the format that it asks for."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"Content-Type": media_type})


class _DomainFigures(Collector):
    """Asks every domain at each scrape. One whose statements fail leaves the others alone."""

    def __init__(self, domains: tuple[Domain, ...], pool: "ConnectionPool", clock: Clock) -> None:
        self._domains = domains
        self._pool = pool
        self._clock = clock

    def collect(self) -> Iterator[Family]:
        yield InfoMetricFamily(
            "trackai_build", "The version that answers.", {"version": metadata.version(DISTRIBUTION)}
        )
        succeeded = GaugeMetricFamily(
            "trackai_domain_up", "Whether the figures of a domain could be read.", labels=["domain"]
        )
        try:
            with self._pool.connection() as connection:
                up = 1
                yield from self._of_domains(connection, succeeded)
        except psycopg.OperationalError:
            # Including PoolTimeout: the scrape itself succeeds, and says so.
            up = 0
        yield GaugeMetricFamily("trackai_database_up", "Whether the event database answers.", up)
        yield succeeded

    def _of_domains(self, connection: "Connection", succeeded: GaugeMetricFamily) -> Iterator[Family]:
        checkup = Checkup(connection, self._clock(), self._domains)
        with connection.transaction():
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{_STATEMENT_MS}ms",))
            for domain in self._domains:
                if domain.metrics is None:
                    continue
                try:
                    with connection.transaction():
                        families = _families(domain.metrics(checkup))
                except psycopg.Error:
                    if connection.broken:
                        raise
                    succeeded.add_metric([domain.name], 0)
                else:
                    succeeded.add_metric([domain.name], 1)
                    yield from families


def _families(metrics: Iterable[Metric]) -> list[Family]:
    families: list[Family] = []
    for metric in metrics:
        family = GaugeMetricFamily(f"trackai_{metric.name}", metric.says, labels=metric.labels)
        for values, number in metric.samples:
            family.add_metric(values, number)
        families.append(family)
    return families
