-- Notes a resident's figures of a window: parts, and their figures as JSON objects of whole numbers. Index: none.
INSERT INTO trackai.window_figures (name, part, figures)
SELECT %(name)s, noted.part, noted.figures
FROM unnest(%(parts)s::text[], %(figures)s::jsonb[]) AS noted (part, figures)
