"""Tenants, facts, attributions, logs, rates, delivery, rejects and retention."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the schema."""
    run_sql_file("0001_core")
