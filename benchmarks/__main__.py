"""`python -m benchmarks`: run the named benchmarks, or all, on a server made for them, and report.

Names: throughput, server, growth, aggregate, ingest, delivery, latency, starts, storage, archive, maintenance,
campaigns, flags, experiments, loyalty, hostile.
Ctrl-C ends it; what was measured is kept.
"""

import argparse
from importlib import import_module
from pathlib import Path
from typing import get_args

from benchmarks.database import throw_away_database
from benchmarks.figures import Figure, Scale
from benchmarks.report import kept, machine, measured_now, show, write
from trackai_pipelines.database.connection import connect
from trackai_pipelines.settings import Settings
from trackai_pipelines.terminal.output import remark
from trackai_pipelines.terminal.stopping import interruptible

# In the order in which they leave each other their worlds.
BENCHMARKS = (
    "throughput",
    "server",
    "growth",
    "aggregate",
    "ingest",
    "delivery",
    "latency",
    "starts",
    "storage",
    "archive",
    "maintenance",
    "campaigns",
    "flags",
    "experiments",
    "loyalty",
    "hostile",
)


def main() -> None:
    """Run, show and keep."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default all")
    options.add_argument("--scale", choices=get_args(Scale), default="medium", help="full takes four hours and 45 GB")
    options.add_argument(
        "--database-url", help="a superuser's database on another server of this machine; default an embedded server"
    )
    options.add_argument("--out", type=Path, help="figures as JSON; .md and .svg next to it; default: in TRACKAI_HOME")
    chosen = options.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        options.error(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    out = chosen.out or Settings().home / "benchmarks" / "figures.json"
    found = kept(out)
    with interruptible(), throw_away_database(chosen.database_url) as database:
        with connect(database.url) as connection:
            where = machine(connection)
        for name in [name for name in BENCHMARKS if name in chosen.names or not chosen.names]:
            remark(f"{name}, {chosen.scale} scale", style="bold")
            benchmark = import_module(f"benchmarks.{name}")
            figures: list[Figure] = []
            try:
                for figure in benchmark.run(chosen.scale, database):
                    figures.append(figure)
                    remark(f"  {figure.case}: {figure.name} {figure.value:,.6g}")
            finally:
                # Hours of measuring are kept, whatever ended them.
                show(figures)
                if figures:
                    found[name] = measured_now(chosen.scale, where, benchmark.CHARTED, figures)
                    write(out, found)
    remark(f"The figures are in {out}, with tables and a drawing next to it.")


if __name__ == "__main__":
    main()
