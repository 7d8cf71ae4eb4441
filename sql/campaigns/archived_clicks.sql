-- Makes a table of the transaction's own for clicks from archives, with the indexes of trackai.clicks.
CREATE TEMPORARY TABLE archived_clicks (LIKE trackai.clicks INCLUDING INDEXES) ON COMMIT DROP
