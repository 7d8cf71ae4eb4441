"""Alerts: what a person is told when a run fails, and where.

What belongs here: the message and its delivery. What does not: checks (each domain has its own).
"""
