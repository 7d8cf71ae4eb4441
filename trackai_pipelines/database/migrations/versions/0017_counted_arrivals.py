"""Arrived facts noted in counted pieces."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0017_counted_arrivals")
