"""Tests that were not split or measured as planned are not safe to act on."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0051_safe_to_act")
