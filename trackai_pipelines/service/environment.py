"""The environment that makes every Dagster process use the same two databases, and `trackai env`, which prints it.

What belongs here: those variables and Dagster's instance folder. What does not: starting Dagster (services.py).
"""

import os
import shlex
import sys
from typing import TYPE_CHECKING

import typer

from trackai_pipelines.terminal.output import remark
from trackai_pipelines.terminal.workspace import ready_database

if TYPE_CHECKING:
    from trackai_pipelines.settings import Settings


def environment(settings: "Settings") -> dict[str, str]:
    """Return the variables by name, all set; make Dagster's instance folder, start the embedded server if needed.

    The values may hold passwords. Raises DatabaseSetupError.
    """
    from trackai_pipelines.database.server import dagster_database_url, event_database_url
    from trackai_pipelines.service.first_day import first_day

    event_url = event_database_url(settings)
    variables = {
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_POSTGRES_URL": dagster_database_url(settings),
        "TRACKAI_DATABASE_URL": event_url,
        "TRACKAI_FIRST_DAY": (settings.first_day or first_day(event_url)).isoformat(),
        "TRACKAI_HOME": str(settings.home),
    }
    if settings.landing_override:
        variables["TRACKAI_LANDING_DIR"] = str(settings.landing_override)
    if settings.archive_override:
        variables["TRACKAI_ARCHIVE_DIR"] = str(settings.archive_override)
    write_instance(settings)
    return variables


def write_instance(settings: "Settings") -> None:
    """Put this version's dagster.yaml into Dagster's instance folder; readers see the old or the new one whole."""
    from trackai_pipelines.database.statements import shipped

    wanted = shipped("dagster.yaml").read_bytes()
    target = settings.dagster_home / "dagster.yaml"
    if target.exists() and target.read_bytes() == wanted:
        return
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    half.write_bytes(wanted)
    half.replace(target)


def env() -> None:
    """Print export lines that make plain dagster and dg commands use the same databases.

    For: eval "$(trackai env)"; dg dev. On a terminal passwords are shown as stars; eval gets them as they are.
    """
    from trackai_pipelines.database.server import masked
    from trackai_pipelines.settings import Settings

    settings = Settings()
    ready_database(settings)
    to_people = sys.stdout.isatty()
    for name, value in environment(settings).items():
        shown = masked(value) if to_people else value
        if shown != value:
            remark(f'{name} is shown with stars for its password. Use it with: eval "$(trackai env)"', style="yellow")
        typer.echo(f"export {name}={shlex.quote(shown)}")
