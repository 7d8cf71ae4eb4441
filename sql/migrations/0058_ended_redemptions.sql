-- Rows leave by when they ended, and what an archive has it by must be a value of its own, not a computed one.
-- squawk-ignore ban-drop-generated-expression
ALTER TABLE trackai.redemptions ALTER COLUMN ended_at DROP EXPRESSION;
ALTER TABLE trackai.redemptions
    ADD CONSTRAINT ended_when_the_status_says
    CHECK (ended_at IS NOT DISTINCT FROM coalesce(concluded_at, rejected_at, expired_at)) NOT VALID;
