"""Lifecycle: old rows leave for archives and come back, and personal data is removed.

What belongs here: how that is done, for tables that their owners declare. What does not: which tables there are, their
contents, and partitions as such (database/partitions.py).
"""
