"""Tests are computed from what arrived since they were computed last."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0050_experiments_as_they_change")
