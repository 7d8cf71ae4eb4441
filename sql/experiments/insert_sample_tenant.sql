-- Inserts the tenant of the sample's tests.
-- Index: the keys of tenants find the conflict. Guarantees: a tenant that exists under this id or slug stays as it is.
INSERT INTO trackai.tenants (id, slug, name, status, lookback_days, default_country)
VALUES (%(id)s, %(slug)s, %(name)s, %(status)s, %(lookback_days)s, %(default_country)s)
ON CONFLICT DO NOTHING
