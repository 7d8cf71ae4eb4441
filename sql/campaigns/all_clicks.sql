-- Shows the clicks in the database and those from archives as one relation, for this transaction.
-- Indexes: those of both.
CREATE TEMPORARY VIEW all_clicks AS
SELECT * FROM trackai.clicks
UNION ALL
SELECT * FROM archived_clicks
