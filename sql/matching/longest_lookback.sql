-- The longest time, in days, that a sale of any tenant looks back for its click; NULL where every tenant is retired.
-- Index: none. One row a tenant.
SELECT max(lookback_days) FROM trackai.tenants WHERE status <> 'retired'
