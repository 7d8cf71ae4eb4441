"""When campaigns were named, so that costs that move to them make their days due."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0034_named_campaigns")
