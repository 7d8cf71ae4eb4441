"""Placeholders are no keys and no contacts, and cookies may have any subdomain index."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0019_placeholders")
