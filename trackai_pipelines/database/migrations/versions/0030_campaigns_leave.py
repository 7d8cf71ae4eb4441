"""Campaigns: how long rows stay."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0030_campaigns_leave")
