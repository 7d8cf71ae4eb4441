"""`trackai flags eval`: the value of a flag, and how it was decided.

What belongs here: options, and what is shown. What does not: the explanation (explaining.py).
"""

import json
from typing import Annotated, Any

import typer

from trackai_pipelines.flags import cli_options as shared
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.moments import utc
from trackai_pipelines.terminal.output import results


def evaluate(
    key: shared.Key,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Slug or id.")],
    user: Annotated[str | None, typer.Option(help="The targeting key.")] = None,
    attr: Annotated[
        list[str] | None,
        typer.Option("--attr", metavar="NAME=VALUE", help="An attribute of the context; JSON, or a text. Repeatable."),
    ] = None,
    at: shared.At = None,
    known_at: shared.KnownAt = None,
    as_json: shared.AsJson = False,
) -> None:
    """Show what a flag is for a tenant, a user and a moment, step by step: the versions, who set them, and the bucket.

    With --known-at it leaves out what was recorded later, backdated or not.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.explaining import explain

    now = utc_now()
    context = dict(map(_attribute, attr or ()))
    if user is not None:
        context["targetingKey"] = user
    with shared.asked() as connection:
        found = explain(connection, key, tenant, context, at=utc(at) or now, now=now, known_at=utc(known_at))
    answer = found.answer
    if as_json:
        shown = {
            "key": key,
            "value": answer.value,
            "variant": answer.variant,
            "reason": answer.reason,
            "error_code": answer.error_code,
            "bucket": answer.bucket,
            "metadata": answer.metadata,
            "steps": found.steps,
        }
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    value = "the caller's default" if answer.error_code else json.dumps(answer.value, ensure_ascii=False)
    why = answer.error_code or answer.reason
    results().print(f"{key}  {value}  ({why}{f', variant {answer.variant}' if answer.variant else ''})", markup=False)
    for number, step in enumerate(found.steps, start=1):
        results().print(f"  {number}. {step}", markup=False)


def _attribute(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise usage(f"--attr takes name=value, e.g. plan=premium, and not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
