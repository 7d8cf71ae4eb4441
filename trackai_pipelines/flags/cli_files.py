"""`trackai flags export`, `apply` and `references`: flags as a file, and in source code.

What belongs here: options, and what is shown. What does not: the file (flag_file.py), applying it (applying.py), and
reading source (references.py).
"""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark, results, table


def export(
    form: Annotated[
        Literal["trackai", "growthbook"], typer.Option("--format", help="For `apply`, or for GrowthBook's SDKs.")
    ] = "trackai",
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="With --format growthbook: whose flags; slug or id.")
    ] = None,
    tenants: Annotated[
        bool, typer.Option("--tenants/--no-tenants", help="With or without the overrides of tenants.")
    ] = True,
) -> None:
    """Print all flags as a file to be reviewed and applied elsewhere, or a tenant's as a payload for GrowthBook's SDKs.

    Kills, plans and history stay where they are.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flag_values.source import read_snapshot
    from trackai_pipelines.flags.flag_file import exported, written
    from trackai_pipelines.flags.growthbook import payload
    from trackai_pipelines.flags.scopes import the_tenant

    if (form == "growthbook") != (tenant is not None):
        raise usage("--format growthbook takes --tenant, because a payload is of one tenant; the other format does not")
    with shared.asked() as connection:
        if tenant is None:
            typer.echo(written(exported(connection, utc_now(), tenants=tenants)), nl=False)
            return
        slug = the_tenant(connection, tenant).slug
        features = payload(read_snapshot(connection).ruleset, slug, utc_now())
    typer.echo(json.dumps({"features": features}, ensure_ascii=False, indent=2))


def apply(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="A file that `export` wrote.")],
    reshuffle: shared.Reshuffle = False,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Make flags, segments and overrides what a file says, all of them or none; repeating it changes nothing.

    Flags and overrides that the file does not name stay as they are.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.applying import apply_file
    from trackai_pipelines.flags.flag_file import read_file
    from trackai_pipelines.flags.recording import Author, writing
    from trackai_pipelines.flags.wording import difference

    said = read_file(file.read_bytes())
    author = Author(by or login(), reason or f"applied {file.name}")
    with shared.asked() as connection, writing(connection, utc_now, dry_run=dry_run) as now:
        done = apply_file(connection, said, author, now, reshuffle=reshuffle)
    if as_json:
        typer.echo(json.dumps({"changed": [one.what for one in done]}, ensure_ascii=False))
    for one in done if not as_json else ():
        how = "changed" if one.proposal is None else difference(one.proposal.before, one.proposal.after)
        results().print(f"{one.what}  {how}", markup=False)
    if not done:
        remark("Everything is as the file says: nothing to change.")
    elif dry_run:
        remark("Nothing was changed.")


def references(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", exists=True, help="Files and folders of source.")],
    as_json: shared.AsJson = False,
) -> None:
    """Show keys that source asks for and no flag has, and flags that no source names."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flag_values.gates import GATES
    from trackai_pipelines.flags.listing import listed_flags
    from trackai_pipelines.flags.references import SourceLine
    from trackai_pipelines.flags.references import references as read

    with shared.asked() as connection:
        keys = {one.key for one in listed_flags(connection, utc_now())}
    found = read(paths, keys | GATES.keys())
    # The pipeline names its gates itself.
    unnamed = [key for key in found.unnamed if key not in GATES]

    def shown(places: "list[SourceLine]") -> list[str]:
        return [f"{place.path}:{place.line}" for place in places]

    if as_json:
        named = {key: shown(list(places)) for key, places in found.named.items()}
        unknown = {key: shown(list(places)) for key, places in found.unknown.items()}
        typer.echo(json.dumps({"named": named, "unknown": unknown, "unnamed": unnamed}, ensure_ascii=False))
        return
    rows = [(key, len(places), shown(list(places[:1]))[0]) for key, places in found.named.items()]
    if rows:
        results().print(table(("flag", "lines", "first"), rows))
    for key, places in found.unknown.items():
        results().print(f"{key}: there is no such flag ({', '.join(shown(list(places[:3])))})", markup=False)
    for key in unnamed:
        results().print(f"{key}: no source names it", markup=False)
