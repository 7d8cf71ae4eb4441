-- Whether anything that processes keep in memory has changed: the newest version, and the tenants' latest change.
-- Indexes: feature_flag_versions' primary key. Reads tenants whole, a small table.
-- Guarantees: one row; 0 without a version. Writers of versions hold one lock until they commit, so a version with a
-- lower id never appears later.
SELECT (SELECT coalesce(max(v.id), 0) FROM trackai.feature_flag_versions AS v) AS version,
       (SELECT count(*) FROM trackai.tenants) AS tenants,
       (SELECT max(t.updated_at) FROM trackai.tenants AS t) AS tenants_changed_at
