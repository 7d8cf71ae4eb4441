-- Counts the events on the queue by tenant. Index: dispatch_queue's primary key, read once.
SELECT t.slug, count(*) FROM trackai.dispatch_queue q JOIN trackai.tenants t ON t.id = q.tenant_id GROUP BY t.slug
