-- Records a state of a scope: one version and its row of the audit log. NULL for `effective_from` is the beginning.
-- Guarantees: matching's settings follow, and every process is told when the transaction commits.
SELECT trackai.record_flag_version(
    %(flag_id)s, %(key)s, %(tenant_id)s, coalesce(%(effective_from)s::timestamptz, '-infinity'), %(state)s::jsonb,
    %(action)s, %(by)s, %(reason)s, %(ip)s::inet, %(before)s::jsonb, %(state)s::jsonb, %(now)s
)
