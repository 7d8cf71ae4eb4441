"""A plain INSERT into the queue for the conversions of a large statement."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0016_queue_in_bulk")
