"""Matching's metadata: what the Dagster UI shows of its assets."""

from collections.abc import Mapping
from datetime import date

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
