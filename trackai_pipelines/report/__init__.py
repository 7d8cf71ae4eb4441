"""The report: one HTML page that needs nothing else, for people without access to the database or the UI.

What belongs here: how a page is put together, its look, its charts, when it is made. What does not: any figure. Domains
declare their `Section`s, and this package is handed them.
"""
