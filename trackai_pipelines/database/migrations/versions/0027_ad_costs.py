"""Views of what ads cost, and the names of the platforms' campaigns."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0027_ad_costs")
