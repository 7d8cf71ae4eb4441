-- The sales number %(first)s to %(last)s of the world; with %(day)s they happened evenly over that UTC day.
INSERT INTO trackai.conversions
    (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at, fbc, fbp, customer_email_hash,
     customer_phone_hash, client_ip, client_user_agent, event_source_url)
SELECT s.tenant_id, s.gateway, s.gateway_event_id, s.order_id, s.value, s.currency,
       coalesce(
           %(day)s::date + (s.place - 1) * interval '24 hours' / (%(last)s::bigint - %(first)s::bigint + 1),
           s.occurred_at
       ),
       s.fbc, s.fbp, s.customer_email_hash, s.customer_phone_hash, s.client_ip, s.client_user_agent,
       s.event_source_url
FROM benchmark.sales(%(first)s, %(last)s) WITH ORDINALITY AS s (
    tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at, fbc, fbp, customer_email_hash,
    customer_phone_hash, client_ip, client_user_agent, event_source_url, place
)
