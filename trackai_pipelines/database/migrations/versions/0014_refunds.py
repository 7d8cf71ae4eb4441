"""Refunds and chargebacks, linked with their sales."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0014_refunds")
