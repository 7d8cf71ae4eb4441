"""Lifecycle: the tables' partitions, from made ahead to (later) archived and dropped.

What belongs here: which partitions exist and why. What does not: what is in them (that is each domain's).
"""
