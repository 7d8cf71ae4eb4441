"""What leaves its table and when, archives, and the removal of personal data."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0009_lifecycle")
