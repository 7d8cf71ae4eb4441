"""The tables that the project declares, as benchmarks hand them to mechanisms."""

from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.leaving import leaving

TABLES = tables_of(DOMAINS)
MATCH_LOG, CLICKS = (leaving(TABLES)[name] for name in ("match_log", "clicks"))
