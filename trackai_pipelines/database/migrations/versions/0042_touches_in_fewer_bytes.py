"""Touches take fewer bytes: numbers first, and enumerations for two words."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0042_touches_in_fewer_bytes")
