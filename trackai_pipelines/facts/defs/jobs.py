"""The job that links users."""

import dagster as dg

link_users = dg.define_asset_job(
    "link_users",
    selection=dg.AssetSelection.assets("user_conversions"),
    description="Links conversions with their users and refunds with their sales, and registers campaigns, for rows "
    "that plain SQL inserted: loads do it by themselves. Safe to repeat.",
)
