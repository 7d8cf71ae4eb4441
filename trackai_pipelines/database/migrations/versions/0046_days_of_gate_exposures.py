"""The moment of the sale in gate_exposures."""

from trackai_pipelines.database.migrations.sql_file import run_sql_file

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_sql_file("0046_days_of_gate_exposures")
