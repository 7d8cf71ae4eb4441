"""Feature flags: every change is a version and a row of the audit log."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0037_flag_history")
