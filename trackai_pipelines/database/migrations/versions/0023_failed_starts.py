"""Failed starts of residents."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0023_failed_starts")
