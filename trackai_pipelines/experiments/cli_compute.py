"""`trackai experiments compute`: what runs every night, now.

What belongs here: options, and what is shown. What does not: computing (computing.py).
"""

from datetime import timedelta
from typing import Annotated

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.days import FromDay, ToDay, days_of
from trackai_pipelines.terminal.output import results, table

FromStart = Annotated[
    bool, typer.Option("--from-start", help="Compute tests from nothing, not from what arrived since the last time.")
]


def compute(
    from_day: FromDay, to_day: ToDay, tenant: shared.AnyTenant = None, *, from_start: FromStart = False
) -> None:
    """Bring all tests up to date, with whatever arrived late, and show what they came to on those UTC days.

    Days are computed up to yesterday. Repeating it changes nothing.
    """
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.computing import compute_tests
    from trackai_pipelines.experiments.daily_figures import figures_of_days
    from trackai_pipelines.experiments.life import complete_ended

    first, last = days_of(from_day, to_day)
    now = utc_now()
    with shared.opened() as connection:
        tenant_id = None if tenant is None else tenant_of(connection, tenant)
        complete_ended(connection, now, tenant_id)
        for _ in compute_tests(connection, now, tenant_id=tenant_id, from_start=from_start):
            pass
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        figures = figures_of_days(connection, days, tenant_id)
    columns = ("day", "tests running", "users", "conversions")
    rows = [(str(day), *(of[name] for name in columns[1:])) for day, of in figures.items()]
    results().print(table(columns, rows))
