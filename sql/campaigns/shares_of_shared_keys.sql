-- How many journeys of the UTC days %(from_day)s to %(to_day)s there are, and how many met a key that was not followed; by
-- tenant, those with any.
-- Index: conversion_journeys_by_day, a look-up a tenant.
SELECT t.slug AS tenant, count(*) AS journeys, count(*) FILTER (WHERE j.shared_keys > 0) AS met
FROM trackai.tenants t
JOIN trackai.conversion_journeys j ON j.tenant_id = t.id AND j.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY t.slug
ORDER BY t.slug
