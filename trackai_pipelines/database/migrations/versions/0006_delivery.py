"""The dispatch queue, what tenants want sent, and holds on tenants."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0006_delivery")
