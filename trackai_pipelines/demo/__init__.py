"""`trackai demo`: the whole system on sample data, and the proof that its figures are right."""
