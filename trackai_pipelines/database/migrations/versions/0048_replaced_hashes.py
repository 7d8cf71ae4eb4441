"""When the hashes of a user were replaced."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0048_replaced_hashes")
