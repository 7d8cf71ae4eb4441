"""What went back of a day's sales, in the daily match rates."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0020_net_values")
