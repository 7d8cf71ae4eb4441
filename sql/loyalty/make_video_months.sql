-- Makes the partitions that staged videos need. Served by the catalog; those that are there are left alone.
SELECT trackai.make_partitions('videos', 'month', (SELECT array_agg(DISTINCT v.post_date) FROM pg_temp.staged_videos v))
