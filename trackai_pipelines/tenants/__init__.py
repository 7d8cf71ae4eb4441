"""Tenants: who the facts belong to.

What belongs here: adding tenants and reading them. What does not: deciding whose row an incoming line is (ingest).
"""
