"""The statistics of experiments, as functions of arrays.

What belongs here: tests, intervals and sample sizes from counts and sums, for whole arrays at once. What does not:
where counts come from, and what is decided. Arguments broadcast against each other; NaN stands for what cannot be
said, and nothing raises. Only what computes results imports these modules: scipy takes longer to import than most
commands run.
"""
