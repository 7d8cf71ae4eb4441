"""Delivery, retention policies and v_conversions."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0004_delivery_and_retention")
