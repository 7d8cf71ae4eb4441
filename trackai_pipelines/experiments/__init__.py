"""Experiments: A/B tests on matched conversions.

What belongs here: tests and their variants, who was assigned what, what assigned users bought, how sure a difference
is, and the one rule that decides. What does not: the hash that splits users (flag_values.bucketing), which user a
conversion belongs to (facts), whether it has a click (matching).
"""
