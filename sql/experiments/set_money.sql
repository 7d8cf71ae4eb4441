-- Sets the currency and the cap of a locked draft. Index: the key of ab_tests.
UPDATE trackai.ab_tests SET currency = %(currency)s, revenue_cap = %(revenue_cap)s
WHERE tenant_id = %(tenant_id)s AND id = %(test_id)s
