"""Tenants: the businesses that the facts belong to.

What belongs here: adding, changing and reading tenants. What does not: finding the tenant of an incoming line (ingest).
"""
