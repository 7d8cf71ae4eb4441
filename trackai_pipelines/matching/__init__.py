"""Matching: from conversions that wait to attributions and their log.

What belongs here: the queue, the micro-batch, late arrivals, re-matching and the explanation of one decision. The
semantics are in `sql/matching/match_batch.sql`. What does not: how facts come in (ingest), and what is counted about
them (match_rates).
"""
