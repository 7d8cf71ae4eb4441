-- How many lines were set aside in the 24 hours before %(now)s. Index: ingest_rejects_by_day.
SELECT count(*) FROM trackai.ingest_rejects WHERE created_at > %(now)s::timestamptz - interval '1 day'
