"""Match rates: what matching came to, per tenant, UTC day of the sale, gateway and currency.

What belongs here: the daily aggregate, summaries of it and the report. What does not: deciding matches (matching).
"""
