-- Attaches the table of one UTC day.
-- CREATE ... PARTITION OF would take ACCESS EXCLUSIVE on the parent and make every query wait behind one open
-- reader; this takes SHARE UPDATE EXCLUSIVE. The session's time zone must be UTC, which is how the bounds are read.
ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({from_day}) TO ({to_day})
