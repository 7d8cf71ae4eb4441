"""What if: match rates of past days from the archives, as they were or with another lookback window.

What belongs here: reading archives and what is still in the database together, with DuckDB, and deciding anew. What
does not: the rates that count (match_rates), and writing anything to the database.
"""
