"""`trackai tenant`: add tenants and list them."""

import re
from typing import Annotated

import typer

from trackai_pipelines.cli.failures import usage
from trackai_pipelines.cli.output import fail, remark, results, table
from trackai_pipelines.cli.schema import ready_database

# The table's own rules, told before the database has to refuse.
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")

app = typer.Typer(help="Add tenants and list them.", no_args_is_help=True)


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise usage("a slug is lower-case letters and digits, with single hyphens between them, e.g. acme-shop")
    return value


def _country(value: str | None) -> str | None:
    if value is not None and not _COUNTRY.fullmatch(value.upper()):
        raise usage("a country is two letters of ISO 3166, e.g. BR")
    return value.upper() if value else None


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(callback=_slug, help="Names the tenant in files and folders, e.g. acme-shop.")],
    name: Annotated[str | None, typer.Option(help="Shown to people.  [default: the slug]")] = None,
    tenant_id: Annotated[str | None, typer.Option("--id", help="The app's own id.  [default: a new one]")] = None,
    pixel_id: Annotated[str | None, typer.Option(help="Meta's pixel, which events are delivered to.")] = None,
    email_matching: Annotated[
        bool, typer.Option("--email-matching", help="Match by e-mail, too, where fbc and fbp find nothing.")
    ] = False,
    lookback_days: Annotated[int, typer.Option(min=1, max=3650, help="How old a click may be at the sale.")] = 90,
    country: Annotated[
        str | None, typer.Option(callback=_country, help="Completes phone numbers without a country code, e.g. BR.")
    ] = None,
) -> None:
    """Add a tenant. An existing one is not changed."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.tenants.tenants import Tenant, add_tenant, new_tenant_id

    tenant = Tenant(
        id=tenant_id or new_tenant_id(),
        slug=slug,
        name=name or slug,
        pixel_id=pixel_id,
        lookback_days=lookback_days,
        email_matching=email_matching,
        default_country=country,
    )
    settings = Settings()
    with connect(ready_database(settings)) as connection:
        if not add_tenant(connection, tenant):
            fail(f"A tenant with the slug {slug} or the id {tenant.id} exists already. See `trackai tenant list`.")
    results().print(f"added {slug} with the id {tenant.id}")
    remark(f"Its files go to {settings.landing_dir / slug}; load them with `trackai ingest`.")


@app.command("list")
def list_tenants() -> None:
    """List all tenants."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.tenants.tenants import all_tenants

    with connect(ready_database(Settings())) as connection:
        tenants = all_tenants(connection)
    if not tenants:
        remark("There are no tenants yet. Add one with `trackai tenant add SLUG`.")
        return
    rows = [
        (t.slug, t.name, t.status, t.pixel_id, str(t.lookback_days), t.email_matching, t.default_country, t.id)
        for t in tenants
    ]
    columns = ("slug", "name", "status", "pixel", "lookback days", "e-mail matching", "country", "id")
    results().print(table(columns, rows))
