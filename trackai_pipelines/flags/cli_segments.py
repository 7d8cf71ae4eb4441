"""`trackai flags segment`: define a group of users, or show one.

What belongs here: options, and what is shown. What does not: which definitions are allowed (segments.py).
"""

import json
from typing import Annotated, Any

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results


def segment(
    name: Annotated[str, typer.Argument(help="Its name.")],
    condition: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Users whose attributes meet this, in GrowthBook's form."),
    ] = None,
    of_list: Annotated[bool, typer.Option("--list", help="Users that come in files, named flag_segments*.")] = False,
    conversions: Annotated[
        str | None,
        typer.Option(metavar="JSON", help='Users by what they bought, e.g. {"min_conversions": 2, "within_days": 90}.'),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; one in use stays.")] = False,
    reason: shared.Reason = None,
    by: By = "",
    dry_run: shared.DryRun = False,
    as_json: shared.AsJson = False,
) -> None:
    """Define a segment of users, or show it: what it asks for, and which flags use it."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags import segments
    from trackai_pipelines.flags.recording import Author, writing

    ways = [kind for kind, given in _kinds(condition, of_list, conversions).items() if given]
    if len(ways) + delete > 1:
        raise usage("give one of --condition, --list, --conversions and --delete")
    if not ways and not delete:
        _show(name, as_json=as_json)
        return
    definition = _json(condition or conversions)
    versions: tuple[int, ...] = ()
    with shared.asked() as connection, writing(connection, utc_now, dry_run=dry_run) as now:
        if delete:
            segments.delete(connection, name, now)
        else:
            author = Author(by or login(), reason or f"segment {name} changed")
            versions = segments.define(connection, name, ways[0], definition, author, now).versions
        used = [key for key, _ in segments.scopes_of(connection, name, now)]
    if as_json:
        typer.echo(json.dumps({"segment": name, "versions": versions, "flags": used}))
    else:
        results().print(f"{name}  {'deleted' if delete else 'defined'}", markup=False)
        for key in used:
            remark(f"{key} uses it{', and has a new version' if versions else ''}.")
    if dry_run:
        remark("Nothing was changed.")


def _kinds(condition: str | None, of_list: bool, conversions: str | None) -> dict[str, bool]:
    return {"attribute": condition is not None, "list": of_list, "conversions": conversions is not None}


def _json(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise usage(f"that is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise usage('an object is expected, e.g. {"plan": "premium"}')
    return found


def _show(name: str, *, as_json: bool) -> None:
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags import segments

    with shared.asked() as connection:
        found = segments.find_segment(connection, name)
        used = segments.scopes_of(connection, name, utc_now())
    if found is None:
        fail(f"There is no segment {name}. Define it with --condition, --list or --conversions.")
    asked = found.condition or found.definition
    if as_json:
        shown = {"segment": name, "kind": found.kind, "asks": asked, "members": found.members}
        typer.echo(json.dumps(shown | {"flags": [key for key, _ in used]}))
        return
    of = json.dumps(asked, ensure_ascii=False) if asked else "users that come in files"
    results().print(f"{name}  {found.kind}: {of}", markup=False)
    if found.kind != "attribute":
        remark(f"It has {found.members:,} members.")
    remark(f"Used by {', '.join(key if slug is None else f'{key} at {slug}' for key, slug in used) or 'no flag'}.")
