"""`trackai experiments assign` and `exclude`: single users.

What belongs here: options, and what is shown. What does not: who is assigned what (assigning.py).
"""

from typing import Annotated, Literal

import typer

from trackai_pipelines.experiments import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark, results

_User = Annotated[str, typer.Argument(metavar="USER", help="The app's own id of the user.")]
_LONGEST = 512


def assign(key: shared.Key, user: _User, tenant: shared.Tenant) -> None:
    """Show a user's variant, after assigning one if the test takes users and the user has none."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.assigning import assign_users, why_closed
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.designs import read_design

    _check(user)
    now = utc_now()
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        variant = assign_users(connection, tenant_id, key, [user], now)[user]
        design = read_design(connection, tenant_id, key)
    if variant is not None:
        results().print(f"{user}  {variant}", markup=False)
    else:
        why = why_closed(design, now) or f"{design.traffic_percent:g} % of users take part, and this one does not"
        remark(f"{user} is not in {key}, and sees {design.control}: {why}.")


def exclude(
    user: _User,
    tenant: shared.Tenant,
    reason: Annotated[Literal["bot", "employee", "test_account", "other"], typer.Option(help="Why.")],
    by: By = "",
) -> None:
    """Let a user count in no test of the tenant, on all days; running tests follow on the next night."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.experiments.chosen import tenant_of
    from trackai_pipelines.experiments.exclusions import exclude_user

    _check(user)
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        excluded = exclude_user(connection, tenant_id, user, reason, by or login(), utc_now())
    if excluded:
        results().print(f"{user}  excluded: {reason}", markup=False)
    else:
        remark(f"{user} is excluded already.")


def _check(user: str) -> None:
    if not 1 <= len(user) <= _LONGEST:
        raise usage(f"a user's id has 1 to {_LONGEST} characters")
