"""The channel of a click, and which campaign and channel each click belongs to."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0028_channels")
