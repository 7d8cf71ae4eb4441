"""Claims look up keys without planning it each time."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0060_claim_facts")
