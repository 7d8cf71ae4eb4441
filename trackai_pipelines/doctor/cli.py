"""`trackai doctor`: shows the findings of checkup.py."""

import typer

from trackai_pipelines.terminal.output import remark, results, table
from trackai_pipelines.terminal.workspace import workspace


def doctor() -> None:
    """Check database, schema, partitions, delivery, Dagster, landing folder and disk; exit 1 when something is wrong.

    Every finding comes with its fix. Starts the embedded server, and changes nothing else. Meta is not asked.
    """
    from rich.text import Text

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.doctor.checkup import checked
    from trackai_pipelines.domain import Level

    found = checked(workspace().domains, now=utc_now())
    colours = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
    rows = [(f.check, Text(f.level, style=colours[f.level]), f.said, f.fix or "") for f in found]
    results().print(table(("check", "", "found", "fix"), rows))
    failed = dict.fromkeys(f.check for f in found if f.level is Level.FAIL)
    if failed:
        remark(f"Wrong: {', '.join(failed)}.", style="red")
        raise typer.Exit(1)
    remark("Nothing is wrong.", style="green")
