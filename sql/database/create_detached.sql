-- Creates the table of one UTC day next to its parent, as ATTACH needs it; the parent does not show its rows yet.
-- LIKE leaves identity and triggers out, which a partition takes from its parent. IF NOT EXISTS: restoring may be
-- repeated.
CREATE TABLE IF NOT EXISTS {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)
