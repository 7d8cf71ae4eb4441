-- Clears the click of attributions whose click was deleted while their batch was under way. The caller took the notes
-- with claim_deleted, and has waited for the batches that could have seen the clicks.
-- Index: matched_attributions_by_click, clicks' primary key. Guarantees: a click that was restored is left alone.
UPDATE trackai.matched_attributions a
SET click_id = NULL
FROM unnest(%(tenant_ids)s::text[], %(click_ids)s::bigint[]) AS g (tenant_id, click_id)
WHERE a.tenant_id = g.tenant_id
  AND a.click_id = g.click_id
  AND NOT EXISTS (SELECT 1 FROM trackai.clicks c WHERE c.tenant_id = g.tenant_id AND c.id = g.click_id)
