"""A resident drain as a run: it holds a lease, matches what arrives, and shows each window's work in the UI.

What belongs here: a run's lease and its windows. What does not: matching (matching/), and leases (residents/).
"""

from collections import Counter
from datetime import date

import dagster as dg
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.matching.batch_size import BatchSize, sizes_of_run
from trackai_pipelines.matching.defs.metadata import decided, latency_metadata, sizes_metadata
from trackai_pipelines.matching.drain import DrainReport
from trackai_pipelines.matching.follow import follow
from trackai_pipelines.residents.leases import Terms, held_lease
from trackai_pipelines.residents.windows import Figures, collect_figures, note_figures
from trackai_pipelines.settings import Settings
from trackai_pipelines.utc_days import is_partition

WINDOW_SECONDS = 60
"""There is one materialisation for each partition and window, whatever the number of drains: rows in Dagster's storage
cost more than rows in ours."""

_LOG, _LATENCY, _SIZE = "log", "latency", "size"
_BATCHES = "batches"


def drain_terms() -> Terms:
    """Return how many resident drains there should be, and how long each stays."""
    settings = Settings()
    return Terms(
        "match_conversions",
        wanted=settings.drains,
        life_seconds=settings.resident_life_seconds,
        start_seconds=settings.resident_start_seconds,
    )


def stay(context: dg.AssetExecutionContext, database: EventDatabase, promised: str) -> DrainReport:
    """Match as rows arrive until the lease's life is over; return all that this run did."""
    total = DrainReport()
    run_id = context.run.run_id
    with held_lease(lambda: database.connect("heartbeat"), drain_terms(), promised=promised, holder=run_id) as lease:
        if lease is None:
            context.log.info("Enough drains are at work; this one was not needed.")
            return total

        def show(connection: Connection, window: DrainReport, seconds: float) -> None:
            total.add(window)
            note_figures(connection, lease.terms.name, figures_of(window))
            if lease.eldest:
                _report(context, collect_figures(connection, lease.terms.name))

        with open_flags(database.resolved_url()) as flags:
            follow(
                lambda: database.connect("match"),
                run_id=run_id,
                until=lease.over.is_set,
                on_window=show,
                window_seconds=WINDOW_SECONDS,
                batch_size=sizes_of_run(flags, run_id),
            )
        context.log.info(f"Ends because {lease.why}.")
    return total


def figures_of(report: DrainReport) -> Figures:
    """Return a window's figures by part: each UTC day of sale, the log, and the buckets of latency."""
    figures: dict[str, Counter[str]] = {}
    for (day, strategy), count in report.decisions.items():
        figures.setdefault(day.isoformat(), Counter())[strategy] += count
    figures[_LOG] = Counter(
        {
            "rows": report.attempts,
            "conversions": report.conversions,
            "batches": report.batches,
            "late": report.late,
            "busy_ms": round(1000 * report.seconds),
        }
    )
    figures[_LATENCY] = _by_text(report.latencies)
    for size, batches in report.sizes.items():
        part = f"{_SIZE} {size.size} {size.version}"
        figures[part] = _by_text(report.latencies_by_size[size]) + Counter({_BATCHES: batches})
    return figures


def _by_text(latencies: Counter[int]) -> Counter[str]:
    return Counter({str(bucket): count for bucket, count in latencies.items()})


def _sizes_metadata(figures: Figures) -> dict[str, str]:
    sizes, latencies = {}, {}
    for part, counts in figures.items():
        if part.startswith(_SIZE):
            size = BatchSize(*map(int, part.split()[1:]))
            sizes[size] = counts[_BATCHES]
            latencies[size] = {int(bucket): count for bucket, count in counts.items() if bucket != _BATCHES}
    return sizes_metadata(sizes, latencies)


def _report(context: dg.AssetExecutionContext, figures: Figures) -> None:
    """Record a materialisation for each day whose sales were decided, and one for today's partition of the log."""
    totals = figures.get(_LOG, Counter())
    latency = latency_metadata({int(bucket): count for bucket, count in figures.get(_LATENCY, Counter()).items()})
    for part, strategies in sorted(figures.items()):
        if part not in (_LOG, _LATENCY) and not part.startswith(_SIZE) and is_partition(date.fromisoformat(part)):
            context.log_event(
                dg.AssetMaterialization(
                    "matched_attributions", partition=part, metadata={**decided(strategies), **latency}
                )
            )
    if totals["rows"]:
        busy = totals["busy_ms"] / 1000
        context.log_event(
            dg.AssetMaterialization(
                "match_log",
                partition=utc_now().date().isoformat(),
                metadata={
                    "log rows written": totals["rows"],
                    "conversions": totals["conversions"],
                    "micro-batches": totals["batches"],
                    "late facts led back to": totals["late"],
                    "conversions per second at work": round(totals["conversions"] / busy) if busy else 0,
                    **latency,
                    **_sizes_metadata(figures),
                },
            )
        )
