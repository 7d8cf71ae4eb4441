"""What the load of a file left out of the rows it took."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0013_values_left_out")
