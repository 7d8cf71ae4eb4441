-- The tiers of a course's creators on its last day.
SELECT c.user_id, c.current_tier FROM {creators} c WHERE c.current_tier IS NOT NULL
