"""What the demo remembers in its home: which sample is there, so that running it again adds no second one.

What belongs here: that file. What does not: the sample's content (sample_data).
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from trackai_pipelines.sample_data.generate import generate
from trackai_pipelines.settings import Settings
from trackai_pipelines.terminal.output import fail

GROUND_TRUTH = "demo_ground_truth.jsonl"
"""The attributions of the sample's conversions, in the home."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample of a home. `by_tenant` holds the counts of the ground truth by slug, empty while files are made."""

    seed: int
    days: int
    conversions: int
    end: str
    tenants: list[dict[str, Any]]
    by_tenant: dict[str, dict[str, int]]

    @property
    def last_day(self) -> date:
        """The last UTC day with sales; the sample ends at its midnight."""
        return datetime.fromisoformat(self.end).date() - timedelta(days=1)

    @property
    def first_day(self) -> date:
        """The first UTC day with sales."""
        return self.last_day - timedelta(days=self.days - 1)


def remembered_sample(
    settings: Settings, *, days: int | None, conversions: int | None, defaults: tuple[int, int], now: datetime
) -> Sample:
    """The home's sample, its landing files made unless they were made before.

    A new one ends with the UTC day before `now`. Fails when another size than the remembered one is asked for.
    """
    memory = settings.home / "demo.json"
    if memory.exists():
        sample = Sample(**json.loads(memory.read_text(encoding="utf-8")))
        if days not in (None, sample.days) or conversions not in (None, sample.conversions):
            fail(
                f"{settings.home} holds a demo of {sample.conversions:,} conversions over {sample.days} days. Run "
                "without --days and --conversions, or set TRACKAI_HOME to another folder."
            )
        if sample.by_tenant:
            return sample
    else:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        size = (days or defaults[0], conversions or defaults[1])
        sample = Sample(_SEED, *size, midnight.isoformat(), tenants=[], by_tenant={})
        # Before any file is made: whoever is interrupted makes the same ones at the next run.
        _write(memory, sample)
    truth = generate(
        settings.landing_dir,
        seed=sample.seed,
        days=sample.days,
        conversions=sample.conversions,
        end=datetime.fromisoformat(sample.end),
        attributions_file=settings.home / GROUND_TRUTH,
    )
    counts = {
        slug: {name: count for name, count in asdict(of_tenant).items() if isinstance(count, int)}
        for slug, of_tenant in truth.by_tenant.items()
    }
    made = Sample(sample.seed, sample.days, sample.conversions, sample.end, truth.tenants, counts)
    _write(memory, made)
    return made


def _write(memory: Path, sample: Sample) -> None:
    half = memory.with_name(f"{memory.name}.new")
    half.write_text(json.dumps(asdict(sample), indent=1), encoding="utf-8")
    half.replace(memory)
