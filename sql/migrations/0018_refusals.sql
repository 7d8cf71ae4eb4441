-- Refusals whose fault is not known yet: the event's, or the set-up's.

-- Answers that nobody can explain are refusals like any other from here on; their number is counted for each kind.
ALTER TABLE trackai.dispatch_queue RENAME COLUMN unknowns TO refusals;
ALTER TABLE trackai.dispatch_queue ADD COLUMN refusal text COLLATE "C";
ALTER TABLE trackai.dispatch_queue ADD COLUMN others_accepted boolean NOT NULL DEFAULT false;
ALTER TABLE trackai.dispatch_queue ADD COLUMN not_before timestamptz;
-- delivery/doubts, next_events, record_answer: a tenant's events in doubt. It holds no other event, so queueing does not
-- pay for it.
CREATE INDEX dispatch_queue_in_doubt ON trackai.dispatch_queue (tenant_id) WHERE refusal IS NOT NULL;

ALTER TABLE trackai.dispatch_circuits ADD COLUMN refusal text COLLATE "C";

COMMENT ON COLUMN trackai.dispatch_queue.refusals IS 'how often it met this kind of refusal, in company counted once';
COMMENT ON COLUMN trackai.dispatch_queue.refusal IS 'kind of its last refusal, as code/subcode, while it is not known whose fault that is; NULL: none';
COMMENT ON COLUMN trackai.dispatch_queue.others_accepted IS 'whether other events of the tenant were accepted since it was refused';
COMMENT ON COLUMN trackai.dispatch_queue.not_before IS 'set aside until then, since it was refused alone; NULL: it was not';
COMMENT ON COLUMN trackai.dispatch_circuits.refusal IS 'kind of refusal that opened it, or that events meet while none is accepted, as code/subcode; NULL: none';
COMMENT ON COLUMN trackai.dispatch_attempts.message IS 'what was wrong and what to do, in a sentence, with Meta''s own message, masked';
