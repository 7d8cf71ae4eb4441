-- Whether Dagster has made its tables; runs in Dagster's database. Index: none, the catalog.
SELECT to_regclass('runs') IS NOT NULL AND to_regclass('daemon_heartbeats') IS NOT NULL AS present
