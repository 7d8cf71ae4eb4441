"""Where creators stand, and entries that came too late for their window."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0054_standings")
