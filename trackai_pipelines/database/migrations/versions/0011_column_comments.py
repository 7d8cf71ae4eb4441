"""Descriptions of all tables and columns."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0011_column_comments")
