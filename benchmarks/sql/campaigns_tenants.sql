-- So many tenants of their own for figures of years.
INSERT INTO trackai.tenants (id, slug)
SELECT 'years-' || n, 'years-' || n FROM generate_series(1, %(tenants)s) AS n
ON CONFLICT DO NOTHING
