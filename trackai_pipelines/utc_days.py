"""The daily partitions that all domains share: UTC days, keys `YYYY-MM-DD`.

What belongs here: the partitions and the days of a run. What does not: what a domain does with a day.
"""

import warnings
from collections.abc import Sequence
from datetime import date

import dagster as dg

from trackai_pipelines.settings import EARLIEST_DAY, Settings

# Partitions are part of the definitions, which are made at import. The environment decides, not the database: loading
# never waits for one, and all processes of an installation have the same partitions (service/first_day.py).
FIRST_DAY = Settings().first_day or EARLIEST_DAY
# With a time zone, days would be 23 or 25 hours long twice a year. `end_offset`: today is a partition, too. A day's
# figures can be refreshed before it is over.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)

# Dagster still marks it as beta, and every process that loads the definitions would say so once for each asset.
warnings.filterwarnings("ignore", message=r"Parameter `backfill_policy`", category=dg.BetaWarning)
ONE_RUN = dg.BackfillPolicy.single_run()
"""A backfill of many days is one run, because runs, not rows, fill Dagster's own storage."""

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def days_of_run(context: dg.AssetExecutionContext) -> list[date]:
    """Return the UTC days that a run is for, in order: one partition, or the range of a single-run backfill."""
    return [date.fromisoformat(key) for key in context.partition_keys]


def is_partition(day: date) -> bool:
    """Return whether Dagster shows this day; facts older than the first partition are kept and matched, too."""
    return UTC_DAYS.has_partition_key(day.isoformat())


def range_tags(days: Sequence[date]) -> dict[str, str]:
    """Return the tags that make one run of a range of days."""
    return {RANGE_START_TAG: min(days).isoformat(), RANGE_END_TAG: max(days).isoformat()}
