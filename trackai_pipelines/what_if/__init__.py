"""What if: match rates of past days from the archives, as they were or with another value of a gate.

What belongs here: reading archives and database together with DuckDB, and deciding again. What does not: the rates that
count (match_rates), and writing anything to the database.
"""
