-- Makes the partition of one UTC day beside the parent and attaches it.
-- CREATE ... PARTITION OF would take ACCESS EXCLUSIVE on the parent and make every query wait behind one open
-- reader; LIKE, then ATTACH, takes SHARE UPDATE EXCLUSIVE. Both happen in one transaction: never a stray table.
-- The session's time zone must be UTC, which is how the bounds are read.
CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({from_day}) TO ({to_day});
