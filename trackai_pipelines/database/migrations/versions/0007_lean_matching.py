"""Keys for less, and deletions that are safe without foreign keys on the matching path."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0007_lean_matching")
