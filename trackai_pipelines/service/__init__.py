"""Running Dagster and its companions as child processes, in the foreground of one command."""
