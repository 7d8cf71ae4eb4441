-- All tenants, whatever their status: facts of a suspended tenant are kept too. A small table, read whole.
SELECT id, slug, default_country, take_test_payments FROM trackai.tenants
