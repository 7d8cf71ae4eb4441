"""What Dagster needs from the database package: the resource that domains' assets connect with."""
