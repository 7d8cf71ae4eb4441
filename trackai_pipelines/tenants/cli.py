"""`trackai tenant`: add tenants, change them and list them."""

import re
from typing import Annotated, Any, Literal

import typer

from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results, table
from trackai_pipelines.terminal.workspace import ready_database

# The table's own rules, applied before the database has to refuse.
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Meta's object ids are numbers; anything else would be another path of its API.
_PIXEL = re.compile(r"[0-9]{1,30}")
_MOST_DAYS = 3650

app = typer.Typer(help="Add tenants, change them and list them.", no_args_is_help=True)


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise usage("a slug is lower-case letters and digits, with single hyphens between them, e.g. acme-shop")
    return value


def _country(value: str | None) -> str | None:
    if value and not _COUNTRY.fullmatch(value.upper()):
        raise usage("a country is two letters of ISO 3166, e.g. BR")
    return value.upper() if value else value


def _pixel(value: str | None) -> str | None:
    if value and not _PIXEL.fullmatch(value):
        raise usage("a pixel id is a number, e.g. 1234567890; Meta's Events Manager shows it as the data set's id")
    return value


def _currency(value: str | None) -> str | None:
    from trackai_pipelines.money import is_currency

    if value and not is_currency(value.upper()):
        raise usage("a currency is a code of ISO 4217, e.g. BRL")
    return value.upper() if value else value


def _time_zone(value: str | None) -> str | None:
    from zoneinfo import available_timezones

    if value is not None and value not in available_timezones():
        raise usage("a time zone is a name of the IANA database, e.g. America/Sao_Paulo")
    return value


def _journey_days(value: str | None) -> str | None:
    if value and not (value.isascii() and value.isdigit() and 1 <= int(value) <= _MOST_DAYS):
        raise usage(f"journey days are a number from 1 to {_MOST_DAYS}")
    return value


# None means that it was not given.
_Name = Annotated[str | None, typer.Option(help="Shown to people.")]
_PixelId = Annotated[str | None, typer.Option(callback=_pixel, help="Meta's pixel, which events are delivered to.")]
_EmailMatching = Annotated[
    bool | None, typer.Option(help="Match by e-mail, too, where fbc and fbp find nothing; off at first.")
]
_LookbackDays = Annotated[
    int | None, typer.Option(min=1, max=_MOST_DAYS, help="How old a click may be at the sale; 90 at first.")
]
_Country = Annotated[
    str | None, typer.Option(callback=_country, help="Completes phone numbers without a country code, e.g. BR.")
]
_Policy = Annotated[
    Literal["all", "matched"] | None,
    typer.Option(help="Which sales are delivered: all, as at first, or only those with a click."),
]
_SentEventId = Annotated[
    Literal["registry", "order"] | None,
    typer.Option(
        help="What is sent as event_id: a hash, as at first, or <order_id>.<event_name>, where the browser's pixel "
        "sends that."
    ),
]
_LimitedDataUse = Annotated[
    bool | None, typer.Option(help="Send events with Meta's option for limited data use; off at first.")
]
_LduCountry = Annotated[
    Literal["0", "1"] | None,
    typer.Option(help="Its country: 0, Meta finds it out, as at first; 1, the United States."),
]
_LduState = Annotated[
    Literal["0", "1000"] | None,
    typer.Option(help="Its state: 0, Meta finds it out, as at first; 1000, California."),
]
_OptOut = Annotated[bool | None, typer.Option(help="Have Meta use events for attribution only; off at first.")]
_TestEventCode = Annotated[
    str | None, typer.Option(help="Show events in Events Manager's test view. They count all the same.")
]
_TakeTestPayments = Annotated[
    bool | None,
    typer.Option(help="Take gateways' test payments for sales; off at first, which keeps them as rejects."),
]
_ReportingCurrency = Annotated[
    str | None,
    typer.Option(
        callback=_currency, help="Amounts of several currencies are converted into it, e.g. BRL; none at first."
    ),
]
_TimeZone = Annotated[
    str | None,
    typer.Option(callback=_time_zone, help="The tenant's own days and hours, e.g. America/Sao_Paulo; UTC at first."),
]
_JourneyDays = Annotated[
    str | None,
    typer.Option(
        callback=_journey_days,
        metavar="DAYS",
        help="How many days before a sale a click may lie to be part of its journey; the lookback days at first.",
    ),
]
_HalfLifeHours = Annotated[
    float | None,
    typer.Option(
        min=0.01, max=87_600, help="After how many hours a click weighs half in the model time_decay; 168 at first."
    ),
]
_CreditUnit = Annotated[
    Literal["campaign", "channel"] | None,
    typer.Option(help="What the data-driven models give credit to: campaigns, as at first, or channels."),
]
_BuyerMemoryDays = Annotated[
    int | None,
    typer.Option(min=1, max=_MOST_DAYS, help="How long after the last sale a buyer is recognised; 90 at first."),
]


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(callback=_slug, help="Names the tenant in files and folders, e.g. acme-shop.")],
    name: _Name = None,
    tenant_id: Annotated[str | None, typer.Option("--id", help="The app's own id.", show_default="a new one")] = None,
    pixel_id: _PixelId = None,
    email_matching: _EmailMatching = None,
    lookback_days: _LookbackDays = None,
    country: _Country = None,
    dispatch_policy: _Policy = None,
    sent_event_id: _SentEventId = None,
    limited_data_use: _LimitedDataUse = None,
    ldu_country: _LduCountry = None,
    ldu_state: _LduState = None,
    opt_out: _OptOut = None,
    test_event_code: _TestEventCode = None,
    take_test_payments: _TakeTestPayments = None,
    reporting_currency: _ReportingCurrency = None,
    time_zone: _TimeZone = None,
    journey_days: _JourneyDays = None,
    half_life_hours: _HalfLifeHours = None,
    credit_unit: _CreditUnit = None,
    buyer_memory_days: _BuyerMemoryDays = None,
) -> None:
    """Add a tenant. An existing one is not changed; `tenant set` does that."""
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings, token_variable
    from trackai_pipelines.tenants.tenants import Tenant, add_tenant, new_tenant_id

    given = _given(
        name=name or slug,
        # An empty text would be a value.
        pixel_id=pixel_id or None,
        email_matching=email_matching,
        lookback_days=lookback_days,
        default_country=country or None,
        dispatch_policy=dispatch_policy,
        sent_event_id=sent_event_id,
        limited_data_use=limited_data_use,
        ldu_country=ldu_country,
        ldu_state=ldu_state,
        opt_out=opt_out,
        test_event_code=test_event_code or None,
        take_test_payments=take_test_payments,
        reporting_currency=reporting_currency or None,
        time_zone=time_zone,
        journey_days=journey_days or None,
        half_life_hours=half_life_hours,
        credit_unit=credit_unit,
        buyer_memory_days=buyer_memory_days,
    )
    tenant = Tenant(id=tenant_id or new_tenant_id(), slug=slug, **given)
    settings = Settings()
    with connect(ready_database(settings)) as connection:
        if not add_tenant(connection, tenant):
            fail(
                f"A tenant with the slug {slug} or the id {tenant.id} exists already. See `trackai tenant list`; "
                "`trackai tenant set` changes one."
            )
    results().print(f"added {slug} with the id {tenant.id}")
    remark(f"Its files go to {settings.landing_url}/{slug}; load them with `trackai ingest`.")
    if tenant.pixel_id:
        remark(f"To deliver its sales, export its access token as {token_variable(slug)}.")


@app.command("set")
def set_tenant(
    slug: Annotated[str, typer.Argument(help="Which tenant.")],
    name: _Name = None,
    status: Annotated[
        Literal["provisioning", "active", "suspended", "retired"] | None,
        typer.Option(help="Only sales of active tenants are delivered; those of suspended and retired ones wait."),
    ] = None,
    pixel_id: _PixelId = None,
    email_matching: _EmailMatching = None,
    lookback_days: _LookbackDays = None,
    country: _Country = None,
    dispatch_policy: _Policy = None,
    sent_event_id: _SentEventId = None,
    limited_data_use: _LimitedDataUse = None,
    ldu_country: _LduCountry = None,
    ldu_state: _LduState = None,
    opt_out: _OptOut = None,
    test_event_code: _TestEventCode = None,
    take_test_payments: _TakeTestPayments = None,
    reporting_currency: _ReportingCurrency = None,
    time_zone: _TimeZone = None,
    journey_days: _JourneyDays = None,
    half_life_hours: _HalfLifeHours = None,
    credit_unit: _CreditUnit = None,
    buyer_memory_days: _BuyerMemoryDays = None,
) -> None:
    """Change what is given, and nothing else; "" removes pixel, country, test event code, reporting currency or
    journey days.

    Sales of the last seven days that become due by it are delivered, too.
    """
    from trackai_pipelines.database.connection import connect
    from trackai_pipelines.settings import Settings
    from trackai_pipelines.tenants.tenants import all_tenants, change_tenant

    changes = _given(
        name=name,
        status=status,
        pixel_id=pixel_id,
        email_matching=email_matching,
        lookback_days=lookback_days,
        default_country=country,
        dispatch_policy=dispatch_policy,
        sent_event_id=sent_event_id,
        limited_data_use=limited_data_use,
        ldu_country=ldu_country,
        ldu_state=ldu_state,
        opt_out=opt_out,
        test_event_code=test_event_code,
        take_test_payments=take_test_payments,
        reporting_currency=reporting_currency,
        time_zone=time_zone,
        journey_days=journey_days,
        half_life_hours=half_life_hours,
        credit_unit=credit_unit,
        buyer_memory_days=buyer_memory_days,
    )
    if not changes:
        raise usage("nothing to change was given; see `trackai tenant set --help`")
    with connect(ready_database(Settings())) as connection:
        if not change_tenant(connection, slug, changes):
            known = ", ".join(tenant.slug for tenant in all_tenants(connection)[:20]) or "none"
            fail(f"There is no tenant {slug}. Tenants: {known}.")
    results().print(f"changed {', '.join(changes)} of {slug}")


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
        (t.slug, t.name, t.status, t.pixel_id, str(t.lookback_days), t.email_matching, t.default_country,
         t.dispatch_policy, t.sent_event_id, t.limited_data_use, t.opt_out, t.test_event_code, t.take_test_payments,
         t.reporting_currency, t.time_zone, str(t.journey_days or t.lookback_days), t.id)
        for t in tenants
    ]  # fmt: skip
    columns = (
        "slug", "name", "status", "pixel", "lookback days", "e-mail matching", "country", "delivers", "event id",
        "limited data use", "opt-out", "test code", "test payments", "currency", "time zone", "journey days", "id",
    )  # fmt: skip
    results().print(table(columns, rows))


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given, as columns of a tenant."""
    return {
        name: int(value) if name.startswith("ldu_") else value for name, value in options.items() if value is not None
    }
