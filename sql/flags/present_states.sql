-- Returns the state in force of every flag that was not deleted, by key. Reads the versions of flags whole.
SELECT DISTINCT ON (v.flag_id) v.flag_key, v.state
FROM trackai.feature_flag_versions v
WHERE v.tenant_id IS NULL AND v.effective_from <= %(now)s
ORDER BY v.flag_id, v.id DESC
