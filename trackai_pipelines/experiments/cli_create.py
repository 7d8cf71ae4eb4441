"""`trackai experiments create` and `delete`: drafts.

What belongs here: options. What does not: what a draft may be (rules.py), and adding it (creating.py).
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.moments import MOMENT_FORMATS, utc
from trackai_pipelines.terminal.output import results

if TYPE_CHECKING:
    from trackai_pipelines.experiments.designs import Guardrail


def amount_of(text: str) -> Decimal:
    """Return an amount of an option."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise usage(f"{text!r} is no amount; expected e.g. 499.90") from None


Amount = Annotated[
    Decimal | None,
    typer.Option(parser=amount_of, metavar="AMOUNT", help="The most revenue of a user that is compared."),
]


def create(
    key: shared.Key,
    tenant: shared.Tenant,
    name: Annotated[str | None, typer.Option(help="Shown to people.", show_default="the key")] = None,
    description: Annotated[str | None, typer.Option(help="What is changed.")] = None,
    hypothesis: Annotated[str | None, typer.Option(help="What is expected, and why.")] = None,
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="The campaign that it belongs to.")] = None,
    control: Annotated[str, typer.Option(help="The name of what users see today.")] = "control",
    variant: Annotated[list[str] | None, typer.Option(help="The name of a variant; may be given three times.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="SHARES", help="The share of each, the control's first: 0.5,0.25,0.25. Equal at first."),
    ] = None,
    start_date: Annotated[
        datetime | None,
        typer.Option(
            formats=MOMENT_FORMATS,
            metavar="TIME",
            help="Nobody counts who is assigned earlier; UTC.",
            show_default="now",
        ),
    ] = None,
    end_date: Annotated[
        datetime | None,
        typer.Option(formats=MOMENT_FORMATS, metavar="TIME", help="It completes by itself then; UTC."),
    ] = None,
    sample_size: Annotated[
        int | None, typer.Option(min=1, help="Users that the decision waits for, in all variants together.")
    ] = None,
    confidence_level: Annotated[float, typer.Option(metavar="PERCENT")] = 95.0,
    min_statistical_power: Annotated[float, typer.Option("--power", metavar="PERCENT")] = 80.0,
    traffic_percent: Annotated[float, typer.Option(metavar="PERCENT", help="The users that take part.")] = 100.0,
    hash_seed: Annotated[str | None, typer.Option(help="What is hashed with users.", show_default="the key")] = None,
    assigned_by: Annotated[
        Literal["trackai", "outside"], typer.Option(help="Who assigns users; outside: assignments come in files.")
    ] = "trackai",
    window_days: Annotated[int, typer.Option(help="Days after assignment in which conversions count, 1-60.")] = 14,
    pre_days: Annotated[int, typer.Option(help="Days before it that explain differences of users, 0-60.")] = 28,
    metric: Annotated[
        Literal["conversion_rate", "orders_per_user", "revenue_per_user", "avg_order_value"],
        typer.Option(help="What decides."),
    ] = "conversion_rate",
    estimator: Annotated[
        Literal["plain", "cuped"], typer.Option(help="cuped: adjusted by what users did before.")
    ] = "plain",
    event: Annotated[str, typer.Option(help="The event name of conversions that count.")] = "Purchase",
    scope: Annotated[
        Literal["all", "attributed"], typer.Option(help="attributed: only conversions with a click.")
    ] = "all",
    currency: Annotated[str | None, typer.Option(help="Of revenue; else that of the sales at the start.")] = None,
    revenue_cap: Amount = None,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC[:MARGIN[:RULE]]",
            help="What must not get worse, e.g. avg_order_value:0.05 for 5 % tolerated; the rule is not_worse or "
            "proven. May be repeated.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of the draft with this key.")] = False,
    reason: shared.Reason = None,
    by: By = "",
) -> None:
    """Create a test, as a draft: nobody is assigned until it starts, and until then it may be replaced."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.event_names import event_name_of
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.creating import ChangedBy, create_test
    from trackai_pipelines.experiments.rules import NewTest

    now = utc_now()
    new = NewTest(
        test_key=key.strip(),
        name=(key if name is None else name).strip(),
        description=description,
        hypothesis=hypothesis,
        campaign_id=campaign,
        variants=(control, *(variant or ())),
        weights=None if weights is None else _weights_of(weights),
        start_date=utc(start_date) or now,
        end_date=utc(end_date),
        sample_size=sample_size,
        confidence_level=confidence_level,
        min_statistical_power=min_statistical_power,
        traffic_percent=traffic_percent,
        hash_seed=hash_seed,
        assigned_by=assigned_by,
        window_days=window_days,
        pre_days=pre_days,
        primary_metric=metric,
        estimator=estimator,
        outcome_event=event_name_of(event.strip()),
        outcome_scope=scope,
        currency=currency,
        revenue_cap=revenue_cap,
        guardrails=tuple(map(_guardrail_of, guardrail or ())),
    )
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        made = create_test(connection, tenant_id, new, ChangedBy(by or login(), reason), now, replace=replace)
    shares = ", ".join(f"{name} {share:.4g}" for name, share in zip(made.variants, made.weights, strict=True))
    results().print(f"{made.test_key}  draft: {shares}", markup=False)


def delete(key: shared.Key, tenant: shared.Tenant) -> None:
    """Delete a draft to which nobody is assigned. Any other test is archived when it is over."""
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.creating import delete_draft

    with shared.opened() as connection:
        delete_draft(connection, tenant_of(connection, tenant), key)
    results().print(f"{key}  deleted", markup=False)


def _weights_of(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in text.split(","))
    except ValueError:
        raise usage(f"{text!r} is no list of shares; expected e.g. 0.5,0.25,0.25") from None


def _guardrail_of(text: str) -> "Guardrail":
    from trackai_pipelines.experiments.designs import Guardrail

    metric, _, terms = text.partition(":")
    margin, _, rule = terms.partition(":")
    try:
        return Guardrail(metric=metric, margin=float(margin or 0), rule=rule or "not_worse")
    except ValueError:
        raise usage(f"{margin!r} in {text!r} is no margin; expected a share such as 0.05") from None
