-- Flags now: the newest version, steps that are held, and checks that were lost since a moment.
-- Index: feature_flag_versions' primary key. Reads feature_flag_plans and feature_flag_usage_gaps whole: a row for each
-- step of a guarded ramp, and for each time that something went wrong.
SELECT (SELECT coalesce(max(v.id), 0) FROM trackai.feature_flag_versions v) AS newest,
       (SELECT count(*) FROM trackai.feature_flag_plans p WHERE p.state = 'held') AS held,
       (SELECT coalesce(sum(g.lost_checks), 0)::bigint FROM trackai.feature_flag_usage_gaps g WHERE g.to_at >= %(since)s)
       AS lost
