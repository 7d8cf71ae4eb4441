"""Matching's metadata: what the Dagster UI shows of its assets."""

from collections.abc import Mapping
from datetime import date

from trackai_pipelines.matching.batch_size import BatchSize
from trackai_pipelines.matching.drain import DrainReport
from trackai_pipelines.matching.latency import percentile_seconds

STRATEGIES = ("fbc", "fbp", "email", "unmatched")


def decided(strategies: Mapping[str, int]) -> dict[str, int | float]:
    """Return what was decided about a day's sales; daily_match_rates has what the day holds."""
    counts = {strategy: strategies.get(strategy, 0) for strategy in STRATEGIES}
    total = sum(counts.values())
    rate = {"match rate": round(1 - counts["unmatched"] / total, 4)} if total else {}
    return {"decided of this day": total, **counts, **rate}


def decided_of(report: DrainReport, day: date) -> dict[str, int | float]:
    """Return what a drain decided about the sales of one UTC day."""
    return decided({strategy: report.decisions[day, strategy] for strategy in STRATEGIES})


def latency_metadata(latencies: Mapping[int, int]) -> dict[str, float]:
    """Return percentiles of the time from arrival to decision; none if nothing was decided for the first time."""
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    found = {name: percentile_seconds(latencies, share) for name, share in shares.items()}
    return {f"{name} seconds to match": round(value, 3) for name, value in found.items() if value is not None}


def sizes_metadata(sizes: Mapping[BatchSize, int], latencies: Mapping[BatchSize, Mapping[int, int]]) -> dict[str, str]:
    """Return the sizes of micro-batches, each with the version of the flag, their number, and how long sales waited."""
    shown = []
    for size, batches in sorted(sizes.items()):
        p95 = percentile_seconds(latencies.get(size, {}), 0.95)
        version = f"version {size.version}" if size.version else "built in"
        waited = "" if p95 is None else f", p95 {p95:.3f} seconds to match"
        shown.append(f"{size.size:,} ({version}): {batches:,} micro-batches{waited}")
    return {"micro-batch size": "; ".join(shown)} if shown else {}
