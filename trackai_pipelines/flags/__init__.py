"""Feature flags: who gets what, since when, and what it changed."""
