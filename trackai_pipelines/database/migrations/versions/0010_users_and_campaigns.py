"""Users with the conversions of each, and campaigns."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0010_users_and_campaigns")
