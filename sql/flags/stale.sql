-- Returns the flags that look as if nobody needs them any more, with the reason, since when, and the owner.
SELECT s.key, s.why, s.since, s.checks_30d, s.owner_email FROM trackai.v_stale_feature_flags s ORDER BY s.since, s.key
