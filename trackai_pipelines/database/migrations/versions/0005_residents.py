"""Leases and figures of resident workers."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0005_residents")
