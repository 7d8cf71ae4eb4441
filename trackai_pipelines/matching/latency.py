"""How long conversions wait, from arrival to decision, as a histogram that can be added up.

Buckets are powers of two of a millisecond, eight to a doubling (sql/matching/match_batch.sql counts into them), so that
percentiles over batches, drains and windows are right to nine per cent. What does not belong here: what they are
shown in.
"""

from collections.abc import Mapping

BUCKETS_PER_DOUBLING = 8


def percentile_seconds(latencies: Mapping[int, int], share: float) -> float | None:
    """Seconds that the share of the conversions did not exceed (the upper edge of a bucket); None without any."""
    wanted = share * sum(latencies.values())
    seen = 0
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        if seen >= wanted:
            return float(2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING) / 1000)
    return None
