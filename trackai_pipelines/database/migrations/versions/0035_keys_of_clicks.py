"""The keys of clicks next to their campaigns."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0035_keys_of_clicks")
