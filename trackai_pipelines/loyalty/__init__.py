"""Loyalty: a ledger of creators' sales, rolling checkpoints, tiers and rewards.

What belongs here: whose a sale is, the ledger that every figure is a sum over, the evaluation of days, and rewards.
What does not: what a sync's file looks like to the loader (`ingest`), which click a sale has (`matching`), and which
sale a refund is of (`facts`).
"""
