"""Tenants: who the facts belong to.

What belongs here: adding, changing and reading tenants. What does not: deciding whose row an incoming line is (ingest).
"""
