"""`python -m trackai_pipelines.cli`: the command line without its entry point."""

from trackai_pipelines.cli import app

app(prog_name="trackai")
