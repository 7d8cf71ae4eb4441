-- Returns the next events of a tenant, oldest sale first, with everything that an event is made of: up to %(events)s,
-- and no more than the smallest at_most among them, which splits a refused request in two. Events that are set aside
-- (not_before) until later than %(ready_at)s are left out, unless they are older than %(too_old)s. The columns bear the
-- names of delivery.prepare.QueuedEvent and Doubt and of delivery.events.AttributedSale, which are made of them by name.
-- The queue is filled by the triggers attributed_are_queued and matched_late_are_queued on matched_attributions and
-- tenants_are_followed on tenants (sql/schema.sql), and by delivery/enqueue_replay.
-- Index: dispatch_queue's primary key from its left end; primary keys of conversions, matched_attributions and clicks;
-- dispatch_attempts_by_conversion; dispatch_queue_in_doubt for an event that was refused. It only reads: the worker that holds the tenant is the only one to change these
-- rows.
WITH head AS (
    SELECT *,
           row_number() OVER oldest_first AS place,
           min(at_most) OVER oldest_first AS company
    FROM (
        SELECT *
        FROM trackai.dispatch_queue
        WHERE tenant_id = %(tenant_id)s
          AND occurred_at <= %(until)s
          AND (occurred_at, conversion_id) > (%(after_time)s, %(after_id)s)
          AND (not_before IS NULL OR not_before <= %(ready_at)s OR occurred_at < %(too_old)s)
        ORDER BY occurred_at, conversion_id
        LIMIT %(events)s
    ) oldest
    WINDOW oldest_first AS (ORDER BY occurred_at, conversion_id ROWS UNBOUNDED PRECEDING)
)
SELECT q.event_id, q.event, q.keys, coalesce(tried.attempts, 0) AS attempts, q.refusal, q.refusals,
       q.not_before IS NOT NULL AS alone,
       q.others_accepted,
       q.refusal IS NOT NULL AND NOT EXISTS (
           SELECT FROM trackai.dispatch_queue o
           WHERE o.tenant_id = q.tenant_id AND o.refusal IS NOT NULL AND o.conversion_id <> q.conversion_id
       ) AS only_one,
       -- An event is no longer due if its attribution is gone, or Meta accepted it and no replay asked for it again.
       a.conversion_id IS NOT NULL AND (q.resend OR tried.sent IS NOT TRUE) AS due,
       q.conversion_id,
       coalesce(c.gateway, '') AS gateway,
       coalesce(c.gateway_event_id, '') AS gateway_event_id,
       c.sale_key,
       c.order_id,
       coalesce(c.event_name, '') AS event_name,
       c.value, c.currency, q.occurred_at, c.fbclid, c.fbc, c.fbp,
       c.customer_email_hash AS email_hash,
       c.customer_phone_hash AS phone_hash,
       c.customer_information,
       -- Anonymised values are not sent: they are no longer the buyer's.
       CASE WHEN c.anonymised_at IS NULL THEN host(c.client_ip) END AS client_ip,
       CASE WHEN c.anonymised_at IS NULL THEN c.client_user_agent END AS client_user_agent,
       c.event_source_url,
       c.contents, c.action_source, c.limited_data_use, c.opt_out,
       k.fbclid AS click_fbclid,
       k.fbc AS click_fbc,
       k.fbp AS click_fbp,
       CASE WHEN k.anonymised_at IS NULL THEN host(k.ip) END AS click_ip,
       CASE WHEN k.anonymised_at IS NULL THEN k.user_agent END AS click_user_agent,
       k.created_at AS click_created_at
FROM head q
LEFT JOIN trackai.conversions c ON c.tenant_id = q.tenant_id AND c.id = q.conversion_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = q.tenant_id AND a.conversion_id = q.conversion_id
LEFT JOIN trackai.clicks k ON k.tenant_id = a.tenant_id AND k.id = a.click_id
CROSS JOIN LATERAL (
    SELECT max(d.attempt) AS attempts, bool_or(d.status = 'success' AND d.target = 'meta') AS sent
    FROM trackai.dispatch_attempts d
    WHERE d.tenant_id = q.tenant_id AND d.conversion_id = q.conversion_id
) tried
WHERE q.place <= q.company
ORDER BY q.occurred_at, q.conversion_id
