"""`trackai ingest`: load landing files, with a progress bar meanwhile and a table afterwards."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from trackai_pipelines.terminal.output import remark, remarks, results, table
from trackai_pipelines.terminal.workspace import ready_database, workspace

if TYPE_CHECKING:
    from trackai_pipelines.ingest.dialects import Stated
    from trackai_pipelines.ingest.load import FileReport, Progress
    from trackai_pipelines.settings import Settings


class Dates(StrEnum):
    """What stands first in a date with its year last."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


_COLUMNS = ("file", "kind", "accepted", "duplicates", "rejected", "left out", "note")


def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, or folders of files; URLs where TRACKAI_LANDING_DIR is one."),
    ],
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Encoding of CSV files, e.g. windows-1252.  [default: found in each file]"),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(metavar="SIGN", help="Between columns of CSV files: , ; | or tab.  [default: found in each file]"),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(metavar="SIGN", help="Decimal sign of amounts: . or ,  [default: found in each CSV file]"),
    ] = None,
    dates: Annotated[
        Dates | None,
        typer.Option(help="What 2/3/2026 begins with.  [default: found in each CSV file]"),
    ] = None,
    time_of_day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%H:%M"],
            metavar="HH:MM",
            help="What a date alone means, in UTC.  [default: it is refused]",
        ),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="The day of reports whose rows and names say none.  [default: they are refused]",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 when a record was refused or a file passed over.")
    ] = False,
) -> None:
    """Load landing files or folders: clicks*, conversions*, webhooks/GATEWAY/* and the other kinds.

    Loading a file again changes nothing. Refused records are kept with their reasons in trackai.ingest_rejects. Ends
    with 1 when nothing was taken though there was something, and with 0 otherwise.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from trackai_pipelines.ingest.files import prefixes
    from trackai_pipelines.ingest.load import load_paths
    from trackai_pipelines.ingest.zones import zone_of
    from trackai_pipelines.settings import Settings

    stated = _stated(encoding, separator, decimal, dates, time_of_day, day)
    settings = Settings()
    landing, given = _given(settings, paths)
    url = ready_database(settings)
    kinds = workspace().kinds
    files, _ = zone_of(landing).files(given, kinds)
    look = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*look, console=remarks(), transient=True) as bar:
        task = bar.add_task("loading", total=len(files))
        order = {file.source: number for number, file in enumerate(files)}

        def show(progress: "Progress") -> None:
            bar.update(task, completed=order[progress.source], description=f"{progress.source} {progress.line:,}")

        reports = load_paths(url, given, landing_dir=landing, kinds=kinds, stated=stated, on_progress=show)
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
    if _went_wrong(reports, strict=strict):
        raise typer.Exit(1)


def _given(settings: "Settings", paths: list[str]) -> tuple[str, list[Path]]:
    """Return the landing place that names are relative to, and the paths. Raises BadParameter."""
    from trackai_pipelines.ingest.zones import path_in, zone_of

    landing = settings.landing_url
    urls = [path for path in paths if "://" in path]
    if not urls:
        for path in paths:
            if not Path(path).exists():
                raise typer.BadParameter(f"Path '{path}' does not exist.", param_hint="PATH...")
        # A file of this machine is no part of a landing place elsewhere.
        return str(settings.home / "landing") if "://" in landing else landing, [Path(path) for path in paths]
    beginning = f"{landing.rstrip('/')}/" if "://" in landing else None
    for path in paths:
        if beginning is None or not f"{path}/".startswith(beginning):
            raise typer.BadParameter(
                f"{path} is not inside TRACKAI_LANDING_DIR ({landing}). Set it to an address around all that is given.",
                param_hint="PATH...",
            )
    zone = zone_of(landing)
    return landing, [path_in(zone, path) for path in paths]


def _went_wrong(reports: "list[FileReport]", *, strict: bool) -> bool:
    """Whether nothing was taken though there was something; if strict, whether anything was not taken."""
    missed = any(report.rejected or report.damaged or report.kind == "ignored" for report in reports)
    taken = any(report.accepted or report.duplicates for report in reports)
    return missed and (strict or not taken)


def _stated(
    encoding: str | None,
    separator: str | None,
    decimal: str | None,
    dates: Dates | None,
    time_of_day: datetime | None,
    day: datetime | None,
) -> "Stated":
    """Return what the options say. Raises BadParameter."""
    from trackai_pipelines.ingest.dialects import SEPARATORS, Stated
    from trackai_pipelines.ingest.encoding import known_encoding

    if encoding is not None:
        name = known_encoding(encoding)
        if name is None:
            raise typer.BadParameter(f"{encoding!r} is none; expected e.g. windows-1252", param_hint="--encoding")
        encoding = name
    if separator is not None:
        separator = "\t" if separator in {"tab", "\\t"} else separator
        if separator not in SEPARATORS:
            raise typer.BadParameter("expected , ; | or tab", param_hint="--separator")
    if decimal not in {None, ".", ","}:
        raise typer.BadParameter("expected . or ,", param_hint="--decimal")
    return Stated(
        encoding,
        separator,
        cast("Literal['.', ','] | None", decimal),
        cast("Literal['day-first', 'month-first'] | None", dates and dates.value),
        None if time_of_day is None else time_of_day.time(),
        None if day is None else day.date(),
    )


def _conclude(reports: "list[FileReport]", names: str, has_tenants: Callable[[], bool]) -> None:
    accepted = sum(report.accepted for report in reports)
    duplicates = sum(report.duplicates for report in reports)
    rejected = sum(report.rejected for report in reports)
    if not reports:
        remark(f"There was no file to load. Landing files are named {names}.")
        return
    remark(f"{accepted:,} new rows, {duplicates:,} were here already, {rejected:,} refused.")
    if passed := [report for report in reports if report.kind == "ignored"]:
        remark(f"{len(passed):,} files were passed over, e.g. {passed[0].source}: {passed[0].note}.", style="yellow")
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
