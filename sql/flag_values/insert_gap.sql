-- Notes that a writer lost checks. Index: feature_flag_usage_gaps' UNIQUE (writer, from_at), which makes a repeated write
-- change nothing: one writer's gaps begin at different moments.
INSERT INTO trackai.feature_flag_usage_gaps (writer, from_at, to_at, lost_checks, reason)
VALUES (%(writer)s, %(from_at)s, %(to_at)s, %(lost_checks)s, %(reason)s)
ON CONFLICT DO NOTHING
