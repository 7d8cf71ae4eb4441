"""Alerts: the message about a failed run, and where it goes.

What belongs here: the message and its delivery. What does not: checks, which each domain has of its own.
"""
