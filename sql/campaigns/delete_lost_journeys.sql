-- Deletes the journeys of a tenant's UTC day whose conversion is not a matched sale of the day.
-- Index: conversion_journeys_by_day.
DELETE FROM trackai.conversion_journeys j
WHERE j.tenant_id = %(tenant_id)s
  AND j.day = %(day)s
  AND NOT EXISTS (SELECT FROM journey_sales s WHERE s.conversion_id = j.conversion_id)
