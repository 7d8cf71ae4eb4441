-- Attaches the partitions of a table of schema trackai that these days need, each a month or quarter; returns their names.
-- Served by the catalog. Guarantees: repeating it, or two at once, make each partition once.
SELECT * FROM trackai.make_partitions(%(parent)s, %(span)s, %(days)s)
