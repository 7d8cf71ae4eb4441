"""Files of loyalty: what loads look up, and since when a file says that a creator is a member."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0057_loyalty_files")
