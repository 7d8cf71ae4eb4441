-- Of the given paid events, those that are no conversion because another event of the same sale is: the event's place
-- in the list, and the event that is counted.
-- Indexes: conversions' UNIQUE (tenant_id, gateway, gateway_event_id) and conversions_one_per_sale.
SELECT e.place, c.gateway_event_id
FROM unnest(%(tenant_ids)s::text[], %(gateways)s::text[], %(event_ids)s::text[], %(sale_keys)s::text[])
         WITH ORDINALITY AS e (tenant_id, gateway, event_id, sale_key, place)
JOIN trackai.conversions c
    ON c.tenant_id = e.tenant_id AND c.gateway = e.gateway AND c.sale_key = e.sale_key
WHERE c.gateway_event_id <> e.event_id
ORDER BY e.place
