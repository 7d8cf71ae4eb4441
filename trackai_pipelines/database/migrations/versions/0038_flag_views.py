"""Feature flags: what is there at first, and views."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0038_flag_views")
