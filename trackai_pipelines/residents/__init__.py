"""Residents: long runs that stay and pick work up within milliseconds, kept alive by leases.

What belongs here: who is alive, when a successor is due, and figures that residents report together. What does not: the
work they do (matching, delivery) and anything of Dagster.
"""
