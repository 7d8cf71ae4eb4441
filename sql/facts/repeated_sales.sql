-- Which of the given paid events are no conversion because another event of the same sale is: the event's place in the
-- list, and the reason, which names the event that is counted.
-- Indexes: conversions' UNIQUE (tenant_id, gateway, gateway_event_id) and conversions_one_per_sale.
SELECT e.place, 'the sale ' || e.sale_key || ' is counted already, by event ' || c.gateway_event_id AS reason
FROM unnest(%(tenant_id)s::text[], %(gateway)s::text[], %(gateway_event_id)s::text[], %(sale_key)s::text[])
         WITH ORDINALITY AS e (tenant_id, gateway, event_id, sale_key, place)
JOIN trackai.conversions c
    ON c.tenant_id = e.tenant_id AND c.gateway = e.gateway AND c.sale_key = e.sale_key
WHERE c.gateway_event_id <> e.event_id
ORDER BY e.place
