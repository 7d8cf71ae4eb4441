"""The models of credit. It imports nothing: the domain's declaration names their columns."""

MODELS = (
    "matched",
    "last_touch",
    "first_touch",
    "linear",
    "position_based",
    "time_decay",
    "last_non_direct",
    "markov",
    "shapley",
)
"""In the order of the columns of conversion_touchpoints."""
