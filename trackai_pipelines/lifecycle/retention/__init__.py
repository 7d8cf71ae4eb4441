"""Retention: what leaves the database or loses its personal fields as of a day, planned and carried out."""
