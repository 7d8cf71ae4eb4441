"""The names of a sale."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0021_sale_names")
