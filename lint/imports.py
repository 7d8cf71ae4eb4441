"""The layers of the package, as a contract for import-linter.

What belongs here: how the domains are found. What does not: the layers themselves, which are in pyproject.toml.
"""

from collections.abc import Sequence
from typing import cast

import grimp
from importlinter import ContractCheck
from importlinter.contracts.layers import Layer, LayersContract, ModuleTail

DOMAINS = "<domains>"


class Rooms(LayersContract):
    """A layers contract in which `<domains>` stands for every domain: they are independent of one another.

    A domain is a child of the root package that has a module `domain` and is in no other layer. A new domain therefore
    needs no line in pyproject.toml.
    """

    type_name = "rooms"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Check the layers with the domains of `graph` in their place."""
        layers = cast("Sequence[Layer]", self.layers)
        listed = {tail.name for layer in layers for tail in layer.module_tails}
        (root,) = self.session_options["root_packages"]
        rooms = {child.rpartition(".")[2] for child in graph.find_children(root) if f"{child}.domain" in graph.modules}
        domains = Layer({ModuleTail(name) for name in rooms - listed}, is_independent=True)
        self.layers = [domains if ModuleTail(DOMAINS) in layer.module_tails else layer for layer in layers]  # type: ignore[assignment]
        return super().check(graph, verbose)
