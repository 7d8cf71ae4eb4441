"""The money of a test: the one currency that revenue is in, and the most of a user that inference reads.

What belongs here: what a tenant's sales before the test say about both. What does not: starting the test (life.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.rules import METRICS_OF_REVENUE, shown

LEAST_BUYERS = 1_000


@dataclass(frozen=True, slots=True)
class ProposedCap:
    """What at most one buyer in a thousand exceeds."""

    cap: Decimal | None
    """None: there are too few buyers."""
    buyers: int


def currency_of_sales(connection: Connection[Any], design: Design, at: datetime) -> str | None:
    """Return the one currency of the tenant's conversions of the `pre_days` before a moment.

    None where they have none and the test does not judge revenue. Raises ExperimentRefusedError where a currency has
    to be given.
    """
    since = at - timedelta(days=design.pre_days)
    given = {"tenant_id": design.tenant_id, "since": since, "until": at}
    found = [currency for (currency,) in connection.execute(statement("experiments/currencies_of_sales"), given)]
    if len(found) == 1:
        return str(found[0])
    when = f"the {design.pre_days} days before {shown(at)}"
    if found:
        raise ExperimentRefusedError(f"The sales of {when} are in {' and '.join(found)}: give --currency.")
    metrics = [design.primary_metric, *(one.metric for one in design.guardrails)]
    judged = next((metric for metric in metrics if metric in METRICS_OF_REVENUE), None)
    if judged is not None:
        raise ExperimentRefusedError(f"{judged} needs a currency, and there are no sales of {when}: give --currency.")
    return None


def proposed_cap(connection: Connection[Any], design: Design, currency: str, at: datetime) -> ProposedCap:
    """Return the cap that the revenue of buyers over the `window_days` before a moment proposes."""
    given = {
        "tenant_id": design.tenant_id,
        "since": at - timedelta(days=design.window_days),
        "until": at,
        "outcome_event": design.outcome_event,
        "outcome_scope": design.outcome_scope,
        "currency": currency,
    }
    buyers, cap = connection.execute(statement("experiments/revenue_of_buyers"), given).fetchone() or (0, None)
    return ProposedCap(cap if buyers >= LEAST_BUYERS else None, buyers)
