"""demo: what a domain's part adds to it, and that running it again changes nothing."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection
from typer.testing import CliRunner, Result

from trackai_pipelines.cli import build_app
from trackai_pipelines.domain import Companion, DemoJob, DemoPart, Domain, Proof, Sample


class Toys:
    """A domain's part of the demo, and what was done with it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.found = 3

    def write(self, sample: Sample) -> Mapping[str, Any]:
        self.done.append(f"write {sample.days} days")
        return {"toys": 3}

    def insert(self, connection: Connection, sample: Sample) -> None:
        self.done.append(f"insert {sample.truth['toys']}")

    @contextmanager
    def accompany(self, connection: Connection, sample: Sample) -> Iterator[Companion]:
        self.done.append("start")
        try:
            yield Companion(
                variables={"TRACKAI_TOYS": "wood"}, prove=lambda connection: Proof([], "the companion saw every toy")
            )
        finally:
            self.done.append("end")

    def prove(self, connection: Connection, sample: Sample) -> Proof:
        truth = sample.truth["toys"]
        wrong = [] if self.found == truth else [f"toys is {self.found} and should be {truth}"]
        return Proof(wrong, "every toy was built")

    def definitions(self) -> dg.Definitions:
        @dg.op
        def build_toys() -> None:
            self.done.append(f"build with {os.environ['TRACKAI_TOYS']}")

        @dg.job
        def build() -> None:
            build_toys()

        return dg.Definitions(jobs=[build])

    def part(self) -> DemoPart:
        return DemoPart(
            write=self.write,
            insert=self.insert,
            accompany=self.accompany,
            jobs=(DemoJob("build", "Build"),),
            figures=lambda connection, sample: {"acme": {"toys": self.found}},
            prove=self.prove,
        )

    def domain(self) -> Domain:
        return Domain(name="toy", says="Toys.", demo=self.part, definitions=self.definitions)


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
def demo(trackai: object, dagster_storage: str, toys: Toys) -> Iterator[Callable[[], Result]]:
    """`demo()` runs the demo of toys alone, in this process, whose environment it changes."""
    before = dict(os.environ)
    yield lambda: CliRunner().invoke(build_app([toys.domain()]), ["demo", "--exit", "--days", "2"])
    os.environ.clear()
    os.environ.update(before)


def test_a_domain_takes_part_in_every_step(demo: Callable[[], Result], toys: Toys, home: Path) -> None:
    first = demo()
    assert first.exit_code == 0, first.output
    assert toys.done == ["write 2 days", "insert 3", "start", "build with wood", "end"]
    assert [line.split() for line in first.stdout.splitlines() if "acme" in line] == [["acme", "3"]]
    order = ["sample files", "Build", "Report", "every toy was built", "the companion saw every toy"]
    assert [first.stderr.index(words) for words in order] == sorted(first.stderr.index(words) for words in order)
    assert json.loads((home / "demo.json").read_text())["truth"] == {"toys": 3}
    assert (home / "reports" / "demo.html").exists()

    toys.done.clear()
    toys.found = 2
    wrong = demo()
    assert wrong.exit_code == 1
    assert "toys is 2 and should be 3" in wrong.stderr
    # The sample is there: no file is written again.
    assert toys.done == ["insert 3", "start", "build with wood", "end"]
