"""The facts in Dagster: the stored links between users and conversions, their nightly job, and the checks."""

import dagster as dg

from trackai_pipelines.facts.defs import assets, checks, jobs, schedules

defs = dg.Definitions(
    assets=[assets.user_conversions],
    asset_checks=[
        checks.no_duplicate_conversions,
        checks.user_links_are_current,
        checks.refunds_within_their_sales,
        checks.refunds_are_no_sales,
        checks.refunds_in_the_currency_of_their_sales,
        checks.refunds_find_their_sales,
    ],
    jobs=[jobs.link_users],
    schedules=[schedules.nightly_user_links],
)
