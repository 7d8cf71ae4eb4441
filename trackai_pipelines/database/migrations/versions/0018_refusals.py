"""Refusals whose fault is not known yet."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0018_refusals")
