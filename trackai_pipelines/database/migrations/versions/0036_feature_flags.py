"""Feature flags: their tables."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0036_feature_flags")
