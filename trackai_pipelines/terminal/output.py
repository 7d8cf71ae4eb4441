"""What people see: results on stdout, everything else on stderr.

What belongs here: consoles, and the shapes that several commands print. What does not: what a command prints.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

# A log or a pipe has no edge that a table must fit into.
_PAPER_WIDTH = 200


def results() -> Console:
    """Return standard output, for what was asked for."""
    return _console(stderr=False)


def remarks() -> Console:
    """Return standard error, for everything else."""
    return _console(stderr=True)


def remark(message: str, *, style: str = "") -> None:
    """Print a message on stderr as it is: markup in it means nothing."""
    remarks().print(Text(message, style=style))


def fail(message: str) -> NoReturn:
    """Print in red what happened and what to do next, and end with exit code 1."""
    remark(message, style="red")
    raise typer.Exit(1)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table of plain values; numbers are grouped and right-aligned, times are UTC, None is a dash."""
    numeric = [any(isinstance(row[at], int | float) for row in rows) for at in range(len(columns))]
    made = Table(header_style="bold", box=SIMPLE_HEAD)
    for name, right in zip(columns, numeric, strict=True):
        made.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        made.add_row(*(value if isinstance(value, Text) else Text(_shown(value)) for value in row))
    return made


def percent(share: float | None) -> str:
    """Return a share between 0 and 1 as text; n/a where there is none."""
    return "n/a" if share is None else f"{share:.1%}"


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show that a step is under way, and afterwards how long it took; a step that fails gets no tick."""
    begun = time.monotonic()
    console = remarks()
    with console.status(Text(name)):
        yield
    console.print(Text(f"✓ {name} ({time.monotonic() - begun:.1f} s)", style="green"))


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PAPER_WIDTH
    return console


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return f"{value:,}" if isinstance(value, int) else str(value)
