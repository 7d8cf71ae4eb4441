"""Feature flags: what checks say of them."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0041_flag_usage_views")
