-- gate_exposures has the moment of the sale, so that the values of a range of days can be read without all others.
CREATE OR REPLACE VIEW trackai.gate_exposures AS
SELECT c.tenant_id, c.id AS conversion_id, 'email_matching' AS gate, m.email_matching::text AS value,
       m.email_version AS flag_version, c.occurred_at
FROM trackai.conversions c
JOIN trackai.matching_settings m
    ON m.tenant_id = c.tenant_id AND m.effective_from <= c.occurred_at AND c.occurred_at < m.effective_to
UNION ALL
SELECT c.tenant_id, c.id, 'lookback_days', m.lookback_days::text, m.lookback_version, c.occurred_at
FROM trackai.conversions c
JOIN trackai.matching_settings m
    ON m.tenant_id = c.tenant_id AND m.effective_from <= c.occurred_at AND c.occurred_at < m.effective_to;
COMMENT ON COLUMN trackai.gate_exposures.occurred_at IS 'the moment of the sale';
