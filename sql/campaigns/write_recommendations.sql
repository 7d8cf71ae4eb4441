-- Brings a tenant's open recommendations of rules up to date: the lists are what holds now. Open ones that no longer hold
-- are withdrawn. Returns how many are new, changed and withdrawn.
-- Indexes: campaign_optimizations_open and the primary key; a tenant has few recommendations.
-- Guarantees: one open row a campaign, rule and subject, which keeps its id; what holds unchanged is not written again.
-- What was implemented is not recommended again while the window reaches back to before it.
WITH found AS (
    SELECT f.*
    FROM unnest(
        %(campaign_id)s::text[], %(rule)s::text[], %(subject)s::text[], %(type)s::text[], %(text)s::text[],
        %(confidence)s::double precision[], %(uplift)s::numeric[], %(effort)s::text[], %(priority)s::smallint[],
        %(evidence)s::jsonb[], %(window_from)s::date[], %(window_to)s::date[]
    ) AS f (
        campaign_id, rule, subject, type, says, confidence, uplift, effort, priority, evidence, window_from, window_to
    )
    WHERE NOT EXISTS (
        SELECT
        FROM trackai.campaign_optimizations o
        WHERE o.tenant_id = %(tenant_id)s
          AND o.campaign_id = f.campaign_id
          AND o.rule = f.rule
          AND o.subject = f.subject
          AND o.implemented_at >= f.window_from::timestamp AT TIME ZONE 'UTC'
    )
),
withdrawn AS (
    UPDATE trackai.campaign_optimizations o
    SET withdrawn_at = %(now)s, updated_at = %(now)s
    WHERE o.tenant_id = %(tenant_id)s
      AND o.source = 'rule'
      AND NOT o.implemented
      AND o.withdrawn_at IS NULL
      AND NOT EXISTS (
          SELECT FROM found f WHERE f.campaign_id = o.campaign_id AND f.rule = o.rule AND f.subject = o.subject
      )
    RETURNING 1
),
written AS (
    INSERT INTO trackai.campaign_optimizations AS o
        (tenant_id, campaign_id, rule, subject, source, recommendation_type, recommendation_text, confidence_score,
         potential_uplift_percent, implementation_effort, priority, evidence, window_from, window_to, created_at,
         updated_at)
    SELECT %(tenant_id)s, f.campaign_id, f.rule, f.subject, 'rule', f.type, f.says, f.confidence, round(f.uplift, 4), f.effort,
           f.priority, f.evidence, f.window_from, f.window_to, %(now)s, %(now)s
    FROM found f
    ORDER BY f.campaign_id, f.rule, f.subject
    ON CONFLICT (tenant_id, campaign_id, rule, subject) WHERE NOT implemented AND withdrawn_at IS NULL DO UPDATE
    SET (source, recommendation_type, recommendation_text, confidence_score, potential_uplift_percent,
         implementation_effort, priority, evidence, window_from, window_to, updated_at) =
        (excluded.source, excluded.recommendation_type, excluded.recommendation_text, excluded.confidence_score,
         excluded.potential_uplift_percent, excluded.implementation_effort, excluded.priority, excluded.evidence,
         excluded.window_from, excluded.window_to, excluded.updated_at)
    WHERE (o.recommendation_text, o.confidence_score, o.evidence, o.window_from, o.window_to)
          IS DISTINCT FROM
          (excluded.recommendation_text, excluded.confidence_score, excluded.evidence, excluded.window_from,
           excluded.window_to)
    RETURNING o.created_at = o.updated_at AS is_new
)
SELECT (SELECT count(*) FILTER (WHERE w.is_new) FROM written w) AS new,
       (SELECT count(*) FILTER (WHERE NOT w.is_new) FROM written w) AS changed,
       (SELECT count(*) FROM withdrawn) AS withdrawn
