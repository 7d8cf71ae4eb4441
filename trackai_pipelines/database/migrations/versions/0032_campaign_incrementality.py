"""Incrementality of campaigns: the view over holdout tests."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0032_campaign_incrementality")
