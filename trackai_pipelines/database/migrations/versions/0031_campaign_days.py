"""Days of campaigns that are due, buyers, and views of figures."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0031_campaign_days")
