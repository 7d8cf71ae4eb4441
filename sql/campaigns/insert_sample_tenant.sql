-- Inserts the tenant of the sample's campaigns.
-- Index: the keys of tenants find the conflict. Guarantees: a tenant that exists under this id or slug stays as it is.
INSERT INTO trackai.tenants
    (id, slug, name, status, lookback_days, default_country, reporting_currency, time_zone)
VALUES
    (%(id)s, %(slug)s, %(name)s, %(status)s, %(lookback_days)s, %(default_country)s, %(reporting_currency)s,
     %(time_zone)s)
ON CONFLICT DO NOTHING
