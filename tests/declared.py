"""The tables that the project declares, as tests hand them to mechanisms.

What belongs here: the declarations by name. What does not: tables that only one test has.
"""

from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.leaving import leaving

TABLES = tables_of(DOMAINS)
LEAVING = leaving(TABLES)
MATCH_LOG, DISPATCH_ATTEMPTS, CLICKS, INGEST_REJECTS = (
    LEAVING[name] for name in ("match_log", "dispatch_attempts", "clicks", "ingest_rejects")
)
