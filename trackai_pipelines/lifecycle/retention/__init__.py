"""Retention: what leaves the database or loses its personal fields as of a day is planned and carried out."""
