"""A longer time to deliver sales made in stores."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0022_sales_in_stores")
