"""Reports of syncs: which of them may leave, and what the files of a sync's videos say."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0055_loyalty_reports")
