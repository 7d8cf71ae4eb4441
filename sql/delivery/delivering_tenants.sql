-- Slugs of the tenants that deliver, or could with a token: active, with a pixel.
-- Reads the whole of tenants, which is small.
SELECT slug
FROM trackai.tenants
WHERE status = 'active' AND pixel_id IS NOT NULL
ORDER BY slug
