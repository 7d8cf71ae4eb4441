"""The archive: days of rows leave the database as Parquet files, are dropped, and can come back.

What belongs here: exporting, dropping, restoring and rewriting one day of one table, and the manifest of files. What
does not: which days, and when (retention/).
"""
