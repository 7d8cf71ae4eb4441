"""Refunds that name their sale by any of its ids."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0024_refunds_by_name")
