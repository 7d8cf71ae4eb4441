-- %(each)s sales of each of %(tenants)s tenants, with keys that no click of the world has.
INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, value, currency, occurred_at, fbc, fbp)
SELECT benchmark.tenant_id(t), 'hotmart', 'waits_' || n, 9.9, 'BRL', now() - interval '1 hour',
       'fb.1.1790000000000.none' || n, 'fb.1.1790000000000.' || n
FROM generate_series(1, %(tenants)s) t
CROSS JOIN generate_series(1, %(each)s) n
