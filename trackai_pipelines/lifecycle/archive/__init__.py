"""The archive: days of rows that leave the database as Parquet files, are dropped, and can come back.

What belongs here: one table and day at a time: exporting, dropping, restoring and rewriting it, and the manifest of
what there is. What does not: which days, and when (plan.py and apply.py beside this package).
"""
