"""Campaigns: what each cost, sold and deserves, in figures that add up to the matched sales.

What belongs here: costs, the touches of each sale and the credit that they get, daily figures, trainings, cohorts and
recommendations. What does not: which click a sale is matched to (matching), and the base table of campaigns (facts).
"""
