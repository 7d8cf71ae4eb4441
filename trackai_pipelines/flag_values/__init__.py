"""How a flag's value is computed and read: from the history of flags, a tenant, a context and a moment.

What belongs here: buckets, conditions, states ready for evaluation, the evaluation itself, and the gates as data. What
does not: changing flags and everything that people see of them (flags).
"""
