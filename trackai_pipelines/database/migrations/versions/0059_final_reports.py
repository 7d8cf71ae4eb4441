"""Days of reports that are final, by the report whose figure before may leave."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0059_final_reports")
