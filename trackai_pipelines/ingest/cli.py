"""`trackai ingest`: load landing files, with a progress bar meanwhile and a table afterwards."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.terminal.output import remark, remarks, results, table
from trackai_pipelines.terminal.workspace import ready_database, workspace

if TYPE_CHECKING:
    from trackai_pipelines.ingest.load import FileReport, Progress

_COLUMNS = ("file", "kind", "accepted", "duplicates", "rejected", "left out", "note")


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", exists=True, help="Files, or folders of files.")],
) -> None:
    """Load landing files or folders: clicks*, conversions*, webhooks/GATEWAY/* and the other kinds.

    Loading a file again changes nothing. Refused records are kept with their reasons in trackai.ingest_rejects and
    are no failure.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from trackai_pipelines.ingest.files import landing_files, prefixes
    from trackai_pipelines.ingest.load import load_paths
    from trackai_pipelines.settings import Settings

    settings = Settings()
    url = ready_database(settings)
    kinds = workspace().kinds
    files, _ = landing_files(paths, landing_dir=settings.landing_dir, kinds=kinds)
    look = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*look, console=remarks(), transient=True) as bar:
        task = bar.add_task("loading", total=len(files))
        order = {file.source: number for number, file in enumerate(files)}

        def show(progress: "Progress") -> None:
            bar.update(task, completed=order[progress.source], description=f"{progress.source} {progress.line:,}")

        reports = load_paths(url, paths, landing_dir=settings.landing_dir, kinds=kinds, on_progress=show)
    results().print(
        table(
            _COLUMNS,
            [
                (r.source, r.kind, r.accepted, r.duplicates, r.rejected, sum(r.left_out.values()), r.note)
                for r in reports
            ],
        )
    )
    _conclude(reports, prefixes(kinds), lambda: _has_tenants(url))


def _conclude(reports: "list[FileReport]", names: str, has_tenants: Callable[[], bool]) -> None:
    accepted = sum(report.accepted for report in reports)
    duplicates = sum(report.duplicates for report in reports)
    rejected = sum(report.rejected for report in reports)
    if not reports:
        remark(f"There was no file to load. Landing files are named {names}.")
        return
    remark(f"{accepted:,} new rows, {duplicates:,} were here already, {rejected:,} refused.")
    left_out = sum((Counter(report.left_out) for report in reports), Counter())
    for (column, reason), count in sorted(left_out.items()):
        remark(f"Left out of rows that were taken: {column}, {count:,} times: {reason}.")
    if rejected:
        remark("Refused records are in trackai.ingest_rejects, each with its reason.", style="yellow")
        if not has_tenants():
            remark("There is no tenant yet: `trackai tenant add SLUG`, then load again.", style="yellow")


def _has_tenants(url: str) -> bool:
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.database.statements import statement

    with connect(url) as connection:
        return connection.execute(statement("ingest/tenants")).fetchone() is not None
