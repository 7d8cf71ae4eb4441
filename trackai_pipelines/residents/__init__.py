"""Residents: long runs that stay and pick up work within milliseconds, kept alive by leases.

What belongs here: which residents are alive, when a successor is due, and the figures that residents report together.
What does not: the work they do (matching, delivery).
"""
