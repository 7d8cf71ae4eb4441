-- Where each request went: to Meta, or to the sandbox, which is not Meta.

ALTER TABLE trackai.dispatch_attempts ADD COLUMN target text COLLATE "C" NOT NULL DEFAULT 'meta';
ALTER TABLE trackai.dispatch_attempts
    ADD CONSTRAINT dispatch_attempts_target_check CHECK (target IN ('meta', 'sandbox')) NOT VALID;
ALTER TABLE trackai.dispatch_attempts ADD COLUMN flag_version bigint;
COMMENT ON COLUMN trackai.dispatch_attempts.target IS 'where it went: meta, or sandbox, which does not count as sent';
COMMENT ON COLUMN trackai.dispatch_attempts.flag_version IS 'version of the gate dispatch_target that said so (feature_flag_versions.id); 0: built in; NULL when nothing was sent, or no gate was there yet';

-- A circuit and its refusals are about one receiver.
ALTER TABLE trackai.dispatch_circuits ADD COLUMN target text COLLATE "C" NOT NULL DEFAULT 'meta';
ALTER TABLE trackai.dispatch_circuits
    ADD CONSTRAINT dispatch_circuits_target_check CHECK (target IN ('meta', 'sandbox')) NOT VALID;
COMMENT ON COLUMN trackai.dispatch_circuits.target IS 'whose answers it is about: meta or sandbox';

CREATE OR REPLACE VIEW trackai.v_conversions AS
SELECT c.id, c.tenant_id, c.gateway, c.gateway_event_id, c.sale_key, c.order_id, c.event_name, c.value, c.currency,
       c.occurred_at, c.created_at, c.fbclid, c.fbc, c.fbp, c.customer_email_hash, c.customer_phone_hash, c.client_ip,
       c.client_user_agent, c.event_source_url, c.customer_information, c.anonymised_at, c.contents, c.click_ids,
       c.action_source, c.limited_data_use, c.opt_out,
       a.click_id, a.strategy AS match_strategy, a.matched_at,
       EXISTS (
           SELECT 1 FROM trackai.dispatch_attempts d
           WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id AND d.status = 'success' AND d.target = 'meta'
       )
       OR EXISTS (
           SELECT 1 FROM trackai.past_deliveries p WHERE p.tenant_id = c.tenant_id AND p.conversion_id = c.id
       ) AS sent_to_capi
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id;

CREATE OR REPLACE VIEW trackai.v_platform_claims AS
SELECT p.tenant_id, p.campaign_id, p.date, sum(p.claimed) AS claimed, sum(p.matched)::bigint AS matched,
       sum(p.sent) AS sent
FROM (
    SELECT d.tenant_id, d.campaign_id, d.date, d.platform_conversions AS claimed, d.conversions AS matched, 0 AS sent
    FROM trackai.campaign_analytics_daily d
    UNION ALL
    SELECT t.tenant_id, t.campaign_id, t.day, NULL, 0, 1
    FROM trackai.conversion_touchpoints t
    WHERE t.credit_matched = 1
      AND (
          EXISTS (
              SELECT FROM trackai.dispatch_attempts a
              WHERE a.tenant_id = t.tenant_id AND a.conversion_id = t.conversion_id
                AND a.status = 'success' AND a.target = 'meta'
          )
          OR EXISTS (
              SELECT FROM trackai.past_deliveries b
              WHERE b.tenant_id = t.tenant_id AND b.conversion_id = t.conversion_id
          )
      )
) p
GROUP BY p.tenant_id, p.campaign_id, p.date;

CREATE OR REPLACE FUNCTION trackai.keep_deliveries() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trackai.past_deliveries (tenant_id, conversion_id, delivered_at)
    SELECT tenant_id, conversion_id, min(completed_at) FROM gone WHERE status = 'success' AND target = 'meta' GROUP BY 1, 2
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
