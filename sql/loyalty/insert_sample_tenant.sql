-- Adds the sample's tenant; returns its id, or nothing where it is there already. Index: the primary key of tenants.
INSERT INTO trackai.tenants (id, slug, name, status, default_country)
VALUES (%(id)s, %(slug)s, %(name)s, 'provisioning', 'BR')
ON CONFLICT DO NOTHING
RETURNING id
