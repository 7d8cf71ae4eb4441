"""What is shown of a plan of retention, as metadata of its run.

What belongs here: a plan's table and its sums. What does not: making plans (plan.py) or carrying them out (apply.py).
"""

from collections.abc import Sequence

import dagster as dg

from trackai_pipelines.lifecycle.retention.plan import ACTIONS, Plan, Step

STEPS_SHOWN = 200
"""Of a plan; troubles first. All of them are in `retention_steps`."""

_DONE = {"anonymise": "anonymised", "archive": "archived", "drop": "dropped", "delete": "deleted"}
_COLUMNS = ("action", "table", "day", "rows", "bytes", "state", "why", "outcome")


def plan_metadata(plan: Plan) -> dict[str, dg.MetadataValue]:
    """The plan step by step, and rows and bytes by what was done to them; of a dry run, what would be."""
    metadata: dict[str, dg.MetadataValue] = {
        "plan": dg.MetadataValue.int(plan.id),
        "dry run": dg.MetadataValue.bool(plan.dry_run),
    }
    for action in ACTIONS:
        steps = [step for step in plan.of("planned" if plan.dry_run else "done") if step.action == action]
        name = f"to {action}" if plan.dry_run else _DONE[action]
        rows = sum(step.rows if step.rows_done is None else step.rows_done for step in steps)
        metadata[f"rows {name}"] = dg.MetadataValue.int(rows)
        if action != "anonymise":
            metadata[f"bytes {name}"] = dg.MetadataValue.int(_bytes(steps))
    for state in ("blocked", "failed"):
        steps = plan.of(state)
        metadata[f"steps {state}"] = dg.MetadataValue.int(len(steps))
        metadata[f"rows {state}"] = dg.MetadataValue.int(sum(step.rows for step in steps))
        metadata[f"bytes {state}"] = dg.MetadataValue.int(_bytes(steps))
    if plan.steps:
        metadata["steps"] = dg.MetadataValue.md(_markdown(plan))
    return metadata


def plan_text(plan: Plan) -> str:
    """The plan as lines for the run's log, before anything is done."""
    steps = [
        f"{step.title}, {step.rows:,} rows: {step.reason}{f', but {step.blocked_by}' if step.blocked_by else ''}"
        for step in plan.steps[:STEPS_SHOWN]
    ]
    rest = len(plan.steps) - len(steps)
    return "\n".join(
        [f"plan {plan.id} as of {plan.day}: {len(plan.steps):,} steps", *steps, *([f"{rest:,} more"] if rest else [])]
    )


def _bytes(steps: Sequence[Step]) -> int:
    return sum(step.bytes or 0 for step in steps)


def _markdown(plan: Plan) -> str:
    troubles_first = [*plan.of("failed"), *plan.of("blocked"), *plan.of("planned", "done")]
    rows = [[*map(_cell, _COLUMNS)], ["---"] * len(_COLUMNS), *map(_row, troubles_first[:STEPS_SHOWN])]
    rest = len(troubles_first) - STEPS_SHOWN
    if rest > 0:
        rows.append([f"{rest:,} more", *[""] * (len(_COLUMNS) - 1)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(step: Step) -> list[str]:
    size = "" if step.bytes is None else f"{step.bytes:,}"
    day = f"before {step.day}" if step.action == "anonymise" else str(step.day)
    why = step.reason if step.blocked_by is None else f"{step.reason}, but {step.blocked_by}"
    return [
        step.action,
        *map(_cell, (step.table_name, day, f"{step.rows:,}", size, step.state, why, step.outcome or "")),
    ]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
