"""How long conversions wait, from arrival to decision, as a histogram that can be added up.

Buckets are powers of two of a millisecond, eight to a doubling (sql/matching/match_batch.sql counts into them), which
makes percentiles over batches, drains and windows right to nine per cent. What does not belong here: showing them.
"""

from collections.abc import Mapping

BUCKETS_PER_DOUBLING = 8


def percentile_seconds(latencies: Mapping[int, int], share: float) -> float | None:
    """Return the seconds that this share of the conversions did not exceed (a bucket's upper edge), or None."""
    wanted = share * sum(latencies.values())
    seen = 0
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        if seen >= wanted:
            return float(2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING) / 1000)
    return None
