"""Cheaper queueing of attributed sales."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0025_queue_attributed")
