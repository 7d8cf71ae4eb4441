"""Match rates: the results of matching, per tenant, UTC day of the sale, gateway and currency.

What belongs here: the daily aggregate, its summaries, and their part of the report. What does not: deciding matches
(matching).
"""
