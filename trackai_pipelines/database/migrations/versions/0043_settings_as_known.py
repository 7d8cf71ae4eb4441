"""What matching's settings are as known at a moment."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0043_settings_as_known")
