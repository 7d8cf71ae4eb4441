"""Ingest: landing files and gateways' webhooks become facts in the database.

Here: reading, checking, normalising, masking and loading of input. Not here: matching, rates, delivery.
"""
