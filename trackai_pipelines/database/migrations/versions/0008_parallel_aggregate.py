"""Counting a day in parallel."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0008_parallel_aggregate")
