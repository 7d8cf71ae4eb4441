"""Loyalty: the ledger of creators' sales, and the tiers that they reach."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0053_loyalty")
