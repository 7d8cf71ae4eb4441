-- Makes the settings of tenants that have none, or not for every moment. A tenant that was added past the trigger
-- tenants_have_settings (sql/schema.sql) gets those of its columns, from -infinity on; all get what the versions of the
-- gates say.
-- Index: the primary key of matching_settings; the versions are few. Guarantees: repeating it changes nothing; changes of
-- flags wait meanwhile.
SELECT trackai.lock_flags(),
       CASE
           WHEN NOT EXISTS (SELECT FROM trackai.matching_settings s WHERE s.tenant_id = t.id)
                AND NOT EXISTS (SELECT FROM trackai.feature_flag_versions v WHERE v.tenant_id = t.id)
           THEN trackai.follow_tenant_settings(t.id, true)
       END,
       trackai.settle_matching(ARRAY[t.id])
FROM unnest(%(tenant_ids)s::text[]) AS t (id)
