"""Loyalty: rewards, missions, claims, boosts, gifts and raffles."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0056_loyalty_rewards")
