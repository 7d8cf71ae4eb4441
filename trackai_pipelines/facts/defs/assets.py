"""The links between users and conversions as an asset.

What belongs here: what is derived from facts alone. What does not: the facts themselves, which the landing files of
their kinds fill (`ingest`).
"""

import dagster as dg

from trackai_pipelines.clock import utc_now
from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.facts.links import refresh


@dg.asset(
    group_name="facts",
    deps=["users", "conversions"],
    owners=["team:tracking"],
    kinds={"postgres"},
    # A load that meets the same rows may win a deadlock.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10),
    description="Which user each conversion belongs to: the user with its e-mail hash, else the one with its phone "
    "hash; of several the lowest id. Stored, because it outlives the hashes, which leave conversions when they are "
    "anonymised. Loads of users and conversions keep it up to date; the nightly run does so for rows inserted by plain "
    "SQL, links such refunds with their sales, and registers the campaigns that such clicks name.",
)
def user_conversions(database: EventDatabase) -> dg.MaterializeResult[None]:
    """Bring the links of all tenants up to date."""
    with database.connect("user links") as connection:
        done = refresh(connection, utc_now)
        return dg.MaterializeResult(
            metadata={
                "links made or changed": done.linked,
                "links removed": done.removed,
                "campaigns registered": done.campaigns,
                "refunds linked": done.refunds,
                **table_metadata(connection, "user_conversions"),
            }
        )
