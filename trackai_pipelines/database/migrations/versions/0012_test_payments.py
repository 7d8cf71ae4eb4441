"""Whether a tenant takes test payments."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0012_test_payments")
