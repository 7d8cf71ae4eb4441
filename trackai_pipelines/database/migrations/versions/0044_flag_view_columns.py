"""What the columns of the flags' views are."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0044_flag_view_columns")
