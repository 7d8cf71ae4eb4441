"""How fast the system is: `make bench`, or `python -m benchmarks [NAME...] [--scale small|medium|full]`.

One module a benchmark, each with the same two names: `CHARTED`, the names of the figures that are drawn, and
`run(scale, database)`, which yields figures as they are measured. `BENCHMARKS` in `__main__` lists them. What does not
belong here: assertions of speed (tests/benchmarks asserts counts alone) and code that the product needs.
"""
