-- The health of a test that is stored of a UTC day. Index: the key of ab_test_daily_health. Guarantees: read-only.
SELECT h.srm_p_value, h.srm_p_value_before_exclusions, h.linkage_p_value, h.tracking_p_value, h.excluded_users
FROM trackai.ab_test_daily_health h
WHERE h.tenant_id = %(tenant_id)s AND h.test_id = %(test_id)s AND h.day = %(day)s
