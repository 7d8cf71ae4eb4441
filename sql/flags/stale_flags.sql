-- Flags that can probably go, each with the first reason that is true: the view v_stale_feature_flags.
SELECT s.key, s.why, s.since, s.checks_30d, s.last_checked_at, s.owner_email
FROM trackai.v_stale_feature_flags AS s
ORDER BY s.since, s.key
