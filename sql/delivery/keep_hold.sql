-- Extends the hold of %(holder)s on a tenant and returns what a request to it needs: the tenant and its circuit. An
-- open circuit whose cool-down is over becomes half open: this request is the probe. No row means that the hold lapsed
-- and belongs to another worker. Index: primary keys.
UPDATE trackai.dispatch_circuits c
SET held_until = clock_timestamp() + make_interval(secs => %(seconds)s),
    state = CASE WHEN t.status = 'active' AND c.state = 'open' AND c.retry_at <= %(now)s THEN 'half_open'
                 ELSE c.state END
FROM trackai.tenants t
WHERE c.tenant_id = %(tenant_id)s AND c.held_by = %(holder)s AND t.id = c.tenant_id
RETURNING t.id AS tenant_id, t.slug, t.pixel_id, t.sent_event_id, t.limited_data_use, t.ldu_country, t.ldu_state,
          t.opt_out, t.test_event_code, t.status,
          c.state, c.consecutive_failures, c.opened_at, c.retry_at, c.reason, c.cooldown_seconds, c.wait_until,
          c.refusal, c.target
