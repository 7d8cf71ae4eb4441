"""Spend that no click can be found for."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0033_unjoined_spend")
