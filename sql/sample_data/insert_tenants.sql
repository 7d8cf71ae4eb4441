-- Inserts one tenant of the sample.
-- Index: tenants_pkey and tenants_slug_key find the conflict.
-- Guarantees: repeating it changes nothing; a tenant that exists under this id or slug stays as it is.
INSERT INTO trackai.tenants (id, slug, name, status, pixel_id, lookback_days, email_matching, default_country)
VALUES (
    %(id)s, %(slug)s, %(name)s, %(status)s, %(pixel_id)s, %(lookback_days)s, %(email_matching)s, %(default_country)s
)
ON CONFLICT DO NOTHING;
