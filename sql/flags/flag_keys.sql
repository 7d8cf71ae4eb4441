-- Returns the keys of all flags that are not archived. Reads feature_flags whole, which has tens of rows.
SELECT f.key FROM trackai.feature_flags f WHERE f.archived_at IS NULL ORDER BY f.key
