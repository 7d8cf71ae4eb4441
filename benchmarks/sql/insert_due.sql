-- Attributed sales of the last hour, from number %(first)s on, over %(tenants)s tenants in turn: all due for delivery.
WITH made AS (
    INSERT INTO trackai.conversions
        (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at, fbc, fbp,
         customer_email_hash, customer_phone_hash, client_ip, client_user_agent, event_source_url)
    SELECT benchmark.tenant_id(1 + n %% %(tenants)s::integer), 'hotmart', 'evt_' || n, 'HP' || n, n %% 900 + 9.9, 'BRL',
           now() - interval '1 hour' + n * interval '1 millisecond',
           'fb.1.1790000000000.IwAR' || md5(n::text), 'fb.1.1790000000000.' || n,
           encode(sha256(n::text::bytea), 'hex'), encode(sha256(('p' || n)::bytea), 'hex'), '203.0.113.7',
           'Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile',
           'https://shop.example/checkout/' || n
    FROM generate_series(%(first)s::integer, %(last)s::integer) n
    RETURNING tenant_id, id
)
INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy)
SELECT tenant_id, id, 'unmatched' FROM made
