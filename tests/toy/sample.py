"""The demo's calls: one file for each tenant of the sample, with its truth."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from psycopg import Connection
from toy.calls import calls_and_seconds

from trackai_pipelines.domain import DemoJob, DemoPart, Proof, Sample

_SLUG = "atelier-verve"
_CALLS = 12


def part() -> DemoPart:
    """Return the domain's part of the demo."""
    return DemoPart(write=_write, jobs=(DemoJob("count_calls", "Count calls"),), figures=_figures, prove=_prove)


def _write(sample: Sample) -> Mapping[str, Any]:
    # The partitions of new tables begin with yesterday's.
    noon = datetime.combine(sample.last_day, time(12), UTC)
    lines = [
        json.dumps(
            {
                "tenant": _SLUG,
                "call_id": f"call-{number}",
                "called_at": (noon + timedelta(minutes=number)).isoformat(),
                "seconds": 10,
            }
        )
        for number in range(_CALLS)
    ]
    folder = sample.landing_dir / _SLUG
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toy_calls.jsonl").write_text("\n".join(lines))
    return {"toy_calls": _CALLS}


def _figures(connection: Connection, sample: Sample) -> Mapping[str, Mapping[str, object]]:
    return {_SLUG: {"calls": calls_and_seconds(connection, _SLUG)[0]}}


def _prove(connection: Connection, sample: Sample) -> Proof:
    found, wanted = calls_and_seconds(connection, _SLUG)[0], sample.truth["toy_calls"]
    differences = [] if found == wanted else [f"{_SLUG}: {found} calls, and should be {wanted}"]
    return Proof(differences, "every call was counted")
