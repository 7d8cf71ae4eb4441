"""When redemptions ended is a value of their own."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0058_ended_redemptions")
