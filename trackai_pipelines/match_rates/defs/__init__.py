"""Match rates in Dagster: the daily aggregate as an asset, its job, schedule and checks."""
