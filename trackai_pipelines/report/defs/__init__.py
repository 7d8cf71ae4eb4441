"""The report in Dagster: the nightly page as an asset, its job and schedule."""

import dagster as dg

from trackai_pipelines.report.defs import assets, jobs, schedules

defs = dg.Definitions(assets=[assets.daily_report], jobs=[jobs.make_report], schedules=[schedules.nightly_report])
