"""Campaigns: costs, journeys, credit and daily figures."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0026_campaigns")
