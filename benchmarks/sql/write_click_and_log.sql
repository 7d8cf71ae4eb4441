-- One click and one row of the log, as they come in.
WITH clicked AS (
    INSERT INTO trackai.clicks (tenant_id, fbclid, fbp) VALUES (benchmark.tenant_id(1), %(fbclid)s, 'fb.1.1.1')
)
INSERT INTO trackai.match_log (tenant_id, conversion_id, attempt, strategy, outcome, processing_ms)
VALUES (benchmark.tenant_id(1), 1, 1, 'fbc', 'no_key', 1)
