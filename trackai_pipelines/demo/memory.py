"""What the demo remembers in its home: which sample is there, so running it again adds no second one.

What belongs here: that file. What does not: the sample's content, which the domains' parts write.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from trackai_pipelines.domain import DemoPart, Sample
from trackai_pipelines.settings import Settings
from trackai_pipelines.terminal.output import fail

_SEED = 7


def remembered_sample(
    settings: Settings,
    parts: Iterable[DemoPart],
    *,
    days: int | None,
    conversions: int | None,
    defaults: tuple[int, int],
    now: datetime,
) -> Sample:
    """Return the home's sample; write its files unless they have been written.

    A new one ends with the UTC day before `now`. Fails when another size than the remembered one is asked for.
    """
    memory = settings.home / "demo.json"
    if memory.exists():
        sample = _read(memory, settings)
        if days not in (None, sample.days) or conversions not in (None, sample.conversions):
            fail(
                f"{settings.home} holds a demo of {sample.conversions:,} conversions over {sample.days} days. Run "
                "without --days and --conversions, or set TRACKAI_HOME to another folder."
            )
        if sample.truth:
            return sample
    else:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        size = (days or defaults[0], conversions or defaults[1])
        sample = Sample(_SEED, *size, midnight, settings.home, settings.landing_dir, truth={})
        # Before any file is written: a demo that is interrupted here writes the same ones at the next run.
        _write(memory, sample)
    truth = {name: value for part in parts if part.write for name, value in part.write(sample).items()}
    made = replace(sample, truth=truth)
    _write(memory, made)
    return made


def _read(memory: Path, settings: Settings) -> Sample:
    kept = json.loads(memory.read_text(encoding="utf-8"))
    return Sample(
        kept["seed"],
        kept["days"],
        kept["conversions"],
        datetime.fromisoformat(kept["end"]),
        settings.home,
        settings.landing_dir,
        truth=kept.get("truth", {}),
    )


def _write(memory: Path, sample: Sample) -> None:
    kept = {
        "seed": sample.seed,
        "days": sample.days,
        "conversions": sample.conversions,
        "end": sample.end.isoformat(),
        "truth": sample.truth,
    }
    half = memory.with_name(f"{memory.name}.new")
    half.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    half.replace(memory)
