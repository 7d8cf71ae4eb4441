-- When Dagster's daemon last said that it lives; runs in Dagster's database. Index: none, a row a daemon.
-- Guarantees: one row; NULL when no daemon ever ran. Dagster writes the time in UTC, without a zone.
SELECT max("timestamp") AT TIME ZONE 'UTC' AS last FROM daemon_heartbeats
