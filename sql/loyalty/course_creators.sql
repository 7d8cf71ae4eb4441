-- How many of a course's creators hold each tier at its end.
SELECT c.current_tier, count(*) FROM {creators} c WHERE c.current_tier IS NOT NULL GROUP BY c.current_tier
