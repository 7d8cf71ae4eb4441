"""Checks of this repository that no ready-made linter makes; `make lint` runs them.

What belongs here: one module for each check. What does not: anything that the program needs when it runs.
"""
