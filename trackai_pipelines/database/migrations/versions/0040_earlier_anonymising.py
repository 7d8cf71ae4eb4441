"""Anonymising some tenants earlier."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0040_earlier_anonymising")
