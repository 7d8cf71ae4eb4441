"""Experiments: their tables."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0045_experiments")
