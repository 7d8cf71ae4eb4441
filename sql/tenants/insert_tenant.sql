-- Adds one tenant; answers with its id, or with no row where the slug or the id is taken.
-- Index: tenants' keys find the conflict. Guarantees: an existing tenant stays as it is.
INSERT INTO trackai.tenants (id, slug, name, pixel_id, lookback_days, email_matching, default_country)
VALUES (%(id)s, %(slug)s, %(name)s, %(pixel_id)s, %(lookback_days)s, %(email_matching)s, %(default_country)s)
ON CONFLICT DO NOTHING
RETURNING id
