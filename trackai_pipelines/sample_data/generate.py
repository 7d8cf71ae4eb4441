"""The generator: an invented world's files, and the answer for them.

What belongs here: the order of tenants and what they share. What does not: a tenant's days (`deliveries`), tenants
themselves (`world`), situations (`stories`), payloads (`gateways`), encodings (`encodings`).

Each tenant has a random generator of its own, seeded with `seed` and `end`: the same two make the same bytes.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import cycle
from pathlib import Path
from random import Random

from trackai_pipelines.sample_data.bad_lines import BAD_CONVERSIONS
from trackai_pipelines.sample_data.deliveries import Deliveries
from trackai_pipelines.sample_data.encodings import LinesFile, OpenFiles
from trackai_pipelines.sample_data.gate_changes import GateChange
from trackai_pipelines.sample_data.ground_truth import GroundTruth, TenantTruth, tenant_row
from trackai_pipelines.sample_data.world import TENANTS, SampleTenant, day_weights, days_until, milliseconds, split


def generate(
    landing_dir: Path,
    *,
    seed: int = 7,
    days: int = 7,
    conversions: int = 20_000,
    end: datetime,
    changes: Sequence[GateChange] = (),
    attributions_file: Path | None = None,
) -> GroundTruth:
    """Write landing files for `days` UTC days, the last of them cut off at `end`, and return the answer for them.

    `conversions` is the number of distinct conversions over all tenants. `changes` are those of tenants' settings, to
    be recorded by the caller. The attributions are written to `attributions_file`, by default `ground_truth.jsonl` next
    to the landing folder. Existing files of the same names are replaced. Raises ValueError for an `end` without a zone,
    less than one day or less than no conversions.
    """
    if end.tzinfo is None:
        raise ValueError("`end` has no time zone; pass one, e.g. datetime.now(UTC)")
    if days < 1 or conversions < 0:
        raise ValueError(f"cannot make {conversions} conversions over {days} days; ask for at least 0 over 1")
    answers = attributions_file or landing_dir.parent / "ground_truth.jsonl"
    landing_dir.mkdir(parents=True, exist_ok=True)
    answers.parent.mkdir(parents=True, exist_ok=True)
    truth = GroundTruth(
        tenants=[tenant_row(tenant) for tenant in TENANTS],
        by_tenant={tenant.slug: TenantTruth() for tenant in TENANTS},
        attributions_file=answers,
    )
    answer_lines = LinesFile(answers)
    bad_conversions = cycle(BAD_CONVERSIONS)
    # One file speaks for several tenants.
    shared = OpenFiles(landing_dir)
    calendar = days_until(end, days)
    end_at = milliseconds(end)
    counts = split(conversions, [tenant.weight for tenant in TENANTS])
    for number, (tenant, count) in enumerate(zip(TENANTS, counts, strict=True)):
        deliveries = Deliveries(
            tenant=tenant,
            twin=TENANTS[number - 1],
            rng=Random(f"{seed}:{end_at}:{tenant.slug}"),  # noqa: S311 (invented data, no secrets)
            rng_of_users=Random(f"{seed}:{end_at}:{tenant.slug}:users"),  # noqa: S311
            rng_of_refunds=Random(f"{seed}:{end_at}:{tenant.slug}:refunds"),  # noqa: S311
            end_at=end_at,
            calendar=calendar,
            suffixes=_suffixes(tenant, calendar),
            bad_conversions=bad_conversions,
            of_tenant=OpenFiles(landing_dir / tenant.slug),
            of_day=OpenFiles(landing_dir / tenant.slug),
            shared=shared,
            answers=answer_lines,
            truth=truth,
            changes=changes,
        )
        deliveries.write(split(count, day_weights(tenant, calendar, end_at)))
    shared.close()
    answer_lines.close()
    return truth


def _suffixes(tenant: SampleTenant, calendar: list[date]) -> dict[date, str]:
    """The ending of the tenant's own files by day: JSON Lines, but for a day of CSV and one of Parquet."""
    suffixes = {day: ".jsonl.gz" if day.toordinal() % 2 else ".jsonl" for day in calendar}
    if tenant.slug == "atelier-verve":
        suffixes[calendar[min(1, len(calendar) - 1)]] = ".csv"
    if tenant.slug == "northwind-fitness":
        suffixes[calendar[min(2, len(calendar) - 1)]] = ".parquet"
    return suffixes
