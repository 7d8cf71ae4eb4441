"""`trackai dispatch --dry-run`: the summary of what would be sent.

What belongs here: where a dry run is written, and what is shown of it. What does not: the dry run (dry_run.py).
"""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from trackai_pipelines.terminal.output import remark, results, table

if TYPE_CHECKING:
    from trackai_pipelines.delivery.dry_run import DryRun
    from trackai_pipelines.settings import CapiSettings

_CHANGES = ("new", "same", "changed", "refused")


def write_dry_run(url: str, folder: Path, *, named: bool, capi: "CapiSettings", as_json: bool) -> None:
    """Write what is due into the folder if it was named, else into a new one below it; show the summary."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.delivery.dry_run import dry_run
    from trackai_pipelines.delivery.tokens import tokens_of_environment

    place = folder if named else folder / f"{utc_now():%Y-%m-%dT%H-%M-%S-%fZ}"
    with connect(url, name="trackai dry run") as connection:
        found = dry_run(connection, place, tokens=tokens_of_environment(capi), settings=capi)
    tenants = _by_tenant(found)
    if as_json:
        totals = {change: sum(of[change] for of in tenants.values()) for change in _CHANGES}
        typer.echo(json.dumps({"folder": str(place), "requests": found.requests, **totals, "tenants": tenants}))
    elif tenants:
        rows = [
            (slug, *(of[change] for change in _CHANGES), _reasons(of["reasons"]), of["held_back"] or "")
            for slug, of in tenants.items()
        ]
        results().print(table(("tenant", *_CHANGES, "refused because", "held back because"), rows))
        warned = [(slug, count, text) for slug, of in tenants.items() for text, count in of["warnings"].items()]
        if warned:
            results().print(table(("tenant", "events", "would be sent, but"), warned))
    else:
        remark("Nothing is due.")
    remark(f"{found.requests:,} requests, without their tokens, are in {place}; nothing was sent.", style="green")
    if any(of["refused"] for of in tenants.values()):
        remark(f"{place / 'diff.jsonl'} says what is wrong with each event that is refused.", style="yellow")


def _by_tenant(found: "DryRun") -> dict[str, dict[str, Any]]:
    counted = {"new": found.new, "same": found.same, "changed": found.changed, "refused": found.refused}
    reasons: dict[str, Counter[str]] = {}
    with (found.folder / "diff.jsonl").open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["change"] == "refused":
                reasons.setdefault(line["tenant"], Counter())[line["failure"]] += 1
    warnings = _warnings(found.folder)
    return {
        slug: {
            **{change: of[slug] for change, of in counted.items()},
            "reasons": reasons.get(slug, {}),
            "warnings": warnings.get(slug, {}),
            "held_back": found.held_back.get(slug),
        }
        for slug in sorted({slug for of in counted.values() for slug in of} | set(found.held_back))
    }


def _warnings(folder: Path) -> dict[str, Counter[str]]:
    """Return what Meta would take but is worth less, by slug, from the requests as they were written."""
    from msgspec.json import decode

    from trackai_pipelines.delivery.validate import warnings_of

    found: dict[str, Counter[str]] = {}
    for request in folder.glob("*/*.json"):
        for event in decode(request.read_bytes())["body"]["data"]:
            found.setdefault(request.parent.name, Counter()).update(warnings_of(event))
    return found


def _reasons(counted: Counter[str]) -> str:
    return ", ".join(f"{failure} ({count:,})" for failure, count in counted.items())
