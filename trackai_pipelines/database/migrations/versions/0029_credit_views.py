"""Credit by touch and model, on the day of the click, and model beside model."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0029_credit_views")
