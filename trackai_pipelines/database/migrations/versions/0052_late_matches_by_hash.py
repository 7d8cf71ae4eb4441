"""Late matches of a batch meet their former state by a hash join."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0052_late_matches_by_hash")
