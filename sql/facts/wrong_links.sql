-- How many links there are, and how many conversions have another link, or none, than the rule demands.
-- Reads all conversions that still have hashes. Indexes: users by hash.
SELECT (SELECT count(*) FROM trackai.user_conversions), (SELECT count(*) FROM trackai.v_wrong_user_links)
