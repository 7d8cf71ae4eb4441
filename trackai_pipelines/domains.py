"""The rooms that declare something, in the order of the flow: every entry point reads this list, and nothing else does.

What belongs here: an import and a name for each. What does not: anything about them.
"""

from trackai_pipelines.alerts.domain import ALERTS
from trackai_pipelines.campaigns.domain import CAMPAIGNS
from trackai_pipelines.delivery.domain import DELIVERY
from trackai_pipelines.domain import Domain
from trackai_pipelines.experiments.domain import EXPERIMENTS
from trackai_pipelines.facts.domain import FACTS
from trackai_pipelines.flags.domain import FLAGS
from trackai_pipelines.ingest.domain import INGEST
from trackai_pipelines.lifecycle.domain import LIFECYCLE
from trackai_pipelines.loyalty.domain import LOYALTY
from trackai_pipelines.match_rates.domain import MATCH_RATES
from trackai_pipelines.matching.domain import MATCHING
from trackai_pipelines.report.domain import REPORT
from trackai_pipelines.residents.domain import RESIDENTS
from trackai_pipelines.tenants.domain import TENANTS
from trackai_pipelines.what_if.domain import WHAT_IF

DOMAINS: tuple[Domain, ...] = (
    TENANTS,
    INGEST,
    FACTS,
    FLAGS,
    MATCHING,
    MATCH_RATES,
    CAMPAIGNS,
    EXPERIMENTS,
    LOYALTY,
    DELIVERY,
    WHAT_IF,
    REPORT,
    LIFECYCLE,
    RESIDENTS,
    ALERTS,
)
