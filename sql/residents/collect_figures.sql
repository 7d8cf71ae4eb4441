-- Takes all noted figures of %(name)s, summed by part, for the one resident that reports. The table holds a minute of
-- them.
-- Index: none, a small table read whole. Guarantees: each note is reported once; a note that is being written is left
-- for the next report.
WITH taken AS (
    DELETE FROM trackai.window_figures f
    USING (
        SELECT id FROM trackai.window_figures WHERE name = %(name)s ORDER BY id FOR UPDATE SKIP LOCKED
    ) found
    WHERE f.id = found.id
    RETURNING f.part, f.figures
),
summed AS (
    SELECT t.part, figure.key, sum(figure.value::bigint)::bigint AS total
    FROM taken t
    CROSS JOIN LATERAL jsonb_each_text(t.figures) AS figure
    GROUP BY t.part, figure.key
)
SELECT part, jsonb_object_agg(key, total) FROM summed GROUP BY part ORDER BY part
