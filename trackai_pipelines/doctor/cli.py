"""`trackai doctor`: what is checked stands in checkup.py; here it is shown."""

import typer

from trackai_pipelines.terminal.output import remark, results, table


def doctor() -> None:
    """Check database, schema, partitions, delivery, Dagster, landing folder and disk; exit 1 when something is wrong.

    Every finding comes with its mend. Starts the embedded server, and changes nothing else. Meta is not asked.
    """
    from rich.text import Text

    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.doctor.checkup import Verdict, findings
    from trackai_pipelines.settings import Settings

    found = findings(Settings(), now=utc_now())
    colours = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}
    rows = [(f.check, Text(f.verdict, style=colours[f.verdict]), f.said, f.mend or "") for f in found]
    results().print(table(("check", "", "found", "mend"), rows))
    failed = [f.check for f in found if f.verdict is Verdict.FAIL]
    if failed:
        remark(f"Wrong: {', '.join(failed)}.", style="red")
        raise typer.Exit(1)
    remark("Nothing is wrong.", style="green")
