"""The tenants of conversions, looked up once a statement."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0049_tenants_of_conversions")
