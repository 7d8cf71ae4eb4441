"""`trackai flags client`: keys with which apps ask for values over HTTP.

What belongs here: options, and what is shown. What does not: the keys (clients.py).
"""

import json
from typing import Annotated, Literal

import typer

from trackai_pipelines.flags.cli_options import AsJson, asked
from trackai_pipelines.terminal.output import fail, remark, results, table

app = typer.Typer(help="Keys with which apps ask for flags over HTTP.", no_args_is_help=True)

_Tenant = Annotated[str, typer.Argument(help="Slug or id.")]


@app.command("add")
def add(
    tenant: _Tenant,
    name: Annotated[str, typer.Option(help="What uses the key, e.g. checkout page.")],
    app_type: Annotated[
        Literal["web", "mobile", "admin"],
        typer.Option("--app", help="Keys of web and mobile apps see flags that are visible to clients; admin, all."),
    ],
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Pages of this origin may use it, e.g. https://shop.example; repeatable."),
    ] = None,
    per_second: Annotated[
        int | None, typer.Option(min=1, help="Requests a second that each server answers.", show_default="no limit")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a client of a tenant, and print its key. It is shown this once: only its hash is kept."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.clients import add_client
    from trackai_pipelines.flags.scopes import the_tenant

    with asked() as connection:
        owner = the_tenant(connection, tenant)
        number, key = add_client(
            connection,
            tenant_id=owner.id,
            slug=owner.slug,
            name=name,
            app_type=app_type,
            allowed_origins=origin or (),
            per_second=per_second,
            now=utc_now(),
        )
    if as_json:
        typer.echo(json.dumps({"tenant": owner.slug, "id": number, "key": key}))
        return
    typer.echo(key)
    remark(f"This key of client {number} is shown this once; keep it. Servers accept it within two seconds.")
    if app_type == "web" and not origin:
        remark("No page may use it: without --origin, browsers refuse its answers.", style="yellow")


@app.command("list")
def list_clients(
    tenant: Annotated[str | None, typer.Argument(help="Slug or id.", show_default="all tenants")] = None,
    as_json: AsJson = False,
) -> None:
    """List clients: their limits, and when they were last used. Keys cannot be shown again."""
    from trackai_pipelines.flags.clients import all_clients
    from trackai_pipelines.flags.scopes import the_tenant

    with asked() as connection:
        found = all_clients(connection, the_tenant(connection, tenant).id if tenant else None)
    if as_json:
        names = ("id", "name", "app_type", "per_second", "created_at", "revoked_at", "last_used_on")
        plain = [
            {"tenant": one.slug, "allowed_origins": list(one.allowed_origins)}
            | {name: getattr(one, name) for name in names}
            for one in found
        ]
        typer.echo(json.dumps({"clients": plain}, default=str))
        return
    if not found:
        remark("There are no clients yet; `trackai flags client add` adds one.")
        return
    columns = ("tenant", "id", "name", "app", "origins", "per second", "created", "last used", "revoked")
    rows = [
        (
            *(one.slug, str(one.id), one.name, one.app_type, ", ".join(one.allowed_origins) or None, one.per_second),
            *(one.created_at, one.last_used_on, one.revoked_at),
        )
        for one in found
    ]
    results().print(table(columns, rows))


@app.command("revoke")
def revoke(
    tenant: _Tenant,
    client_id: Annotated[int, typer.Argument(metavar="ID", help="The client's number, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a client's key: from then on it is answered 403. A revoked key stays revoked."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.flags.clients import revoke_client
    from trackai_pipelines.flags.scopes import the_tenant

    with asked() as connection:
        owner = the_tenant(connection, tenant)
        if not revoke_client(connection, owner.id, client_id, utc_now()):
            fail(f"{owner.slug} has no client {client_id}; `trackai flags client list {owner.slug}` shows them.")
    if as_json:
        typer.echo(json.dumps({"tenant": owner.slug, "id": client_id, "revoked": True}))
    else:
        results().print(f"revoked client {client_id} of {owner.slug}; servers refuse it within seconds", markup=False)
