"""What a conversion may say besides, and events without a value."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0015_details_of_facts")
