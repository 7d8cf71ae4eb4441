"""Ingest: landing files and gateways' webhooks become rows in the database.

What belongs here: how input is found, read, checked, masked and written. What does not: which kinds of input there are
(the domains declare them), and what becomes of the rows.
"""
