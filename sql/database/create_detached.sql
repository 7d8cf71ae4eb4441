-- Makes the table of one UTC day beside its parent: what ATTACH needs, and nothing of it is visible through the parent.
-- LIKE leaves identity and triggers out, which a partition takes from its parent. IF NOT EXISTS: restoring may be repeated.
CREATE TABLE IF NOT EXISTS {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)
