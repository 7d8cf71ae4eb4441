-- Says what every column holds: its meaning and unit, and when it is NULL. Dagster shows it, and so does psql's \d+.

COMMENT ON TABLE trackai.archive_owner IS 'Identifies this database to its archive, which belongs to one database only. One row.';
COMMENT ON COLUMN trackai.archive_owner.id IS 'written into the archive''s folder; an archive of another owner is refused';

COMMENT ON COLUMN trackai.archives.table_name IS 'the table whose rows the file holds';
COMMENT ON COLUMN trackai.archives.day IS 'UTC day of the rows';
COMMENT ON COLUMN trackai.archives.part IS '1, or more where rows of the day arrived after an earlier file was written';
COMMENT ON COLUMN trackai.archives.state IS 'verified (rows still in the database), dropped (the file is all there is) or restored (rows are back)';
COMMENT ON COLUMN trackai.archives.path IS 'path of the Parquet file below TRACKAI_ARCHIVE_DIR';
COMMENT ON COLUMN trackai.archives.rows IS 'number of rows in the file';
COMMENT ON COLUMN trackai.archives.bytes IS 'size of the file in bytes';
COMMENT ON COLUMN trackai.archives.sha256 IS 'SHA-256 of the file''s bytes, 64 hex digits';
COMMENT ON COLUMN trackai.archives.checksum IS 'checksum of the rows in any order; restored rows must have the same';
COMMENT ON COLUMN trackai.archives.first_row_at IS 'time of the oldest row in the file';
COMMENT ON COLUMN trackai.archives.last_row_at IS 'time of the newest row in the file';
COMMENT ON COLUMN trackai.archives.verified_at IS 'when the file was read back and compared with the rows';
COMMENT ON COLUMN trackai.archives.keep_until IS 'when the rows may be dropped, or archived again after a restoration';
COMMENT ON COLUMN trackai.archives.dropped_at IS 'when the rows began to be removed from the database; NULL before that';

COMMENT ON COLUMN trackai.clicks.id IS 'number of the click, generated';
COMMENT ON COLUMN trackai.clicks.tenant_id IS 'tenant whose site was reached (tenants.id)';
COMMENT ON COLUMN trackai.clicks.funnel_id IS 'funnel of the landing page (funnels.id); NULL when unknown or deleted';
COMMENT ON COLUMN trackai.clicks.utm_source IS 'utm_source of the landing URL; NULL when absent';
COMMENT ON COLUMN trackai.clicks.utm_medium IS 'utm_medium of the landing URL; NULL when absent';
COMMENT ON COLUMN trackai.clicks.utm_campaign IS 'utm_campaign of the landing URL; NULL when absent';
COMMENT ON COLUMN trackai.clicks.utm_content IS 'utm_content of the landing URL; NULL when absent';
COMMENT ON COLUMN trackai.clicks.utm_term IS 'utm_term of the landing URL; NULL when absent';
COMMENT ON COLUMN trackai.clicks.ip IS 'visitor''s address; after anonymising, its /24 (IPv4) or /48 (IPv6) network';
COMMENT ON COLUMN trackai.clicks.user_agent IS 'visitor''s user agent; after anonymising, the browser family';
COMMENT ON COLUMN trackai.clicks.anonymised_at IS 'when ip and user_agent were made less precise; NULL before that';

COMMENT ON COLUMN trackai.conversions.id IS 'number of the conversion, generated';
COMMENT ON COLUMN trackai.conversions.tenant_id IS 'tenant that made the sale (tenants.id)';
COMMENT ON COLUMN trackai.conversions.gateway IS 'payment gateway that reported the sale, e.g. stripe or hotmart';
COMMENT ON COLUMN trackai.conversions.gateway_event_id IS 'gateway''s id of the event; a redelivered event is the same row';
COMMENT ON COLUMN trackai.conversions.sale_key IS 'the sale, where a gateway reports one sale in several paid events; else NULL';
COMMENT ON COLUMN trackai.conversions.order_id IS 'shop''s or gateway''s order number; NULL when the gateway sends none';
COMMENT ON COLUMN trackai.conversions.event_name IS 'event name sent to Meta, Purchase by default';
COMMENT ON COLUMN trackai.conversions.value IS 'amount in units of the currency, not in cents';
COMMENT ON COLUMN trackai.conversions.currency IS 'ISO 4217 code, three capital letters';
COMMENT ON COLUMN trackai.conversions.occurred_at IS 'when the sale happened; the lookback window ends here';
COMMENT ON COLUMN trackai.conversions.customer_email_hash IS 'SHA-256 of the buyer''s normalised e-mail address, 64 hex digits; NULL when unknown or removed';
COMMENT ON COLUMN trackai.conversions.customer_phone_hash IS 'SHA-256 of the buyer''s number with its country code, 64 hex digits; NULL when unknown or removed';
COMMENT ON COLUMN trackai.conversions.client_ip IS 'buyer''s address; after anonymising, its /24 (IPv4) or /48 (IPv6) network';
COMMENT ON COLUMN trackai.conversions.client_user_agent IS 'buyer''s user agent; after anonymising, the browser family';
COMMENT ON COLUMN trackai.conversions.event_source_url IS 'URL of the page where the sale was made; NULL when unknown';
COMMENT ON COLUMN trackai.conversions.anonymised_at IS 'when the hashes were removed and address and user agent made less precise; NULL before that';

COMMENT ON COLUMN trackai.daily_match_rates.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.daily_match_rates.day IS 'UTC day on which the sales happened';
COMMENT ON COLUMN trackai.daily_match_rates.gateway IS 'payment gateway';
COMMENT ON COLUMN trackai.daily_match_rates.currency IS 'ISO 4217 code of the values';
COMMENT ON COLUMN trackai.daily_match_rates.conversions IS 'conversions of the day: fbc + fbp + email + unmatched + pending';
COMMENT ON COLUMN trackai.daily_match_rates.fbc IS 'conversions matched by Meta''s click id';
COMMENT ON COLUMN trackai.daily_match_rates.fbp IS 'conversions matched by Meta''s browser id';
COMMENT ON COLUMN trackai.daily_match_rates.email IS 'conversions matched by the buyer''s e-mail hash';
COMMENT ON COLUMN trackai.daily_match_rates.unmatched IS 'conversions decided without a match';
COMMENT ON COLUMN trackai.daily_match_rates.pending IS 'conversions not decided yet when the day was computed';
COMMENT ON COLUMN trackai.daily_match_rates.match_rate IS 'matched / (matched + unmatched), 0 to 1; NULL when nothing is decided';
COMMENT ON COLUMN trackai.daily_match_rates.value_total IS 'value of all conversions, in units of the currency';
COMMENT ON COLUMN trackai.daily_match_rates.value_matched IS 'value of the matched conversions, in units of the currency';
COMMENT ON COLUMN trackai.daily_match_rates.p95_match_seconds IS 'seconds from arrival to decision, 95th percentile; NULL when nothing is decided';
COMMENT ON COLUMN trackai.daily_match_rates.computed_at IS 'when the row was last computed';

COMMENT ON TABLE trackai.dedupe_registry IS 'Event ids that were handed out: each identifies one conversion to Meta, and no other.';
COMMENT ON COLUMN trackai.dedupe_registry.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.dedupe_registry.event_id IS 'SHA-256 of tenant, order, event name, amount and currency, 64 hex digits; unique within the tenant';
COMMENT ON COLUMN trackai.dedupe_registry.conversion_id IS 'the conversion that the id stands for (conversions.id)';
COMMENT ON COLUMN trackai.dedupe_registry.created_at IS 'when the id was registered, before the first attempt to send it';

COMMENT ON COLUMN trackai.deleted_clicks.tenant_id IS 'tenant of the click (tenants.id)';
COMMENT ON COLUMN trackai.deleted_clicks.click_id IS 'the click that was deleted (clicks.id)';

COMMENT ON TABLE trackai.dispatch_attempts IS 'Every attempt to deliver a conversion to the Conversions API, with Meta''s answer.';
COMMENT ON COLUMN trackai.dispatch_attempts.id IS 'number of the attempt, generated';
COMMENT ON COLUMN trackai.dispatch_attempts.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.dispatch_attempts.event_id IS 'the event''s id (dedupe_registry.event_id)';
COMMENT ON COLUMN trackai.dispatch_attempts.conversion_id IS 'the conversion that was sent (conversions.id)';
COMMENT ON COLUMN trackai.dispatch_attempts.attempt IS 'numbered through all attempts of the conversion, from 1';
COMMENT ON COLUMN trackai.dispatch_attempts.status IS 'pending (no answer yet), success or failed';
COMMENT ON COLUMN trackai.dispatch_attempts.http_status IS 'HTTP status of the answer; NULL when there was none';
COMMENT ON COLUMN trackai.dispatch_attempts.error_code IS 'Meta''s error code; NULL when there was none';
COMMENT ON COLUMN trackai.dispatch_attempts.error_subcode IS 'Meta''s error subcode; NULL when there was none';
COMMENT ON COLUMN trackai.dispatch_attempts.fbtrace_id IS 'Meta''s trace id of the request, for support; NULL when there was none';
COMMENT ON COLUMN trackai.dispatch_attempts.payload_sha256 IS 'SHA-256 of the event''s JSON, 64 hex digits; NULL when nothing was sent';
COMMENT ON COLUMN trackai.dispatch_attempts.created_at IS 'when the attempt began';
COMMENT ON COLUMN trackai.dispatch_attempts.completed_at IS 'when its outcome was known; NULL while pending';
COMMENT ON COLUMN trackai.dispatch_attempts.failure IS 'reason for the failure as a short code, e.g. too_old, bad_fbc, timeout, throttled; NULL unless failed';
COMMENT ON COLUMN trackai.dispatch_attempts.message IS 'what went wrong and what to do, in a sentence; NULL unless failed';

COMMENT ON TABLE trackai.dispatch_circuits IS 'The circuit breaker of each tenant''s delivery.';
COMMENT ON COLUMN trackai.dispatch_circuits.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.dispatch_circuits.state IS 'closed (delivering), open (paused) or half_open (one probe under way)';
COMMENT ON COLUMN trackai.dispatch_circuits.consecutive_failures IS 'failed requests since the last success';
COMMENT ON COLUMN trackai.dispatch_circuits.opened_at IS 'when the circuit opened; NULL while closed';
COMMENT ON COLUMN trackai.dispatch_circuits.retry_at IS 'when the next probe is due; NULL while closed';
COMMENT ON COLUMN trackai.dispatch_circuits.reason IS 'why it opened and what to do; NULL while closed';
COMMENT ON COLUMN trackai.dispatch_circuits.cooldown_seconds IS 'seconds between the opening and its next probe; doubles with each failed probe';
COMMENT ON COLUMN trackai.dispatch_circuits.wait_until IS 'no request before then, although the circuit is closed; NULL when nothing holds it back';
COMMENT ON COLUMN trackai.dispatch_circuits.held_by IS 'the worker that serves the tenant; NULL when none does';
COMMENT ON COLUMN trackai.dispatch_circuits.held_until IS 'when that worker counts as dead; NULL when none serves the tenant';

COMMENT ON COLUMN trackai.dispatch_queue.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.dispatch_queue.occurred_at IS 'when the sale happened; the oldest has the least time left';
COMMENT ON COLUMN trackai.dispatch_queue.conversion_id IS 'the conversion to deliver (conversions.id)';
COMMENT ON COLUMN trackai.dispatch_queue.event_id IS 'the event''s id, from the first attempt on; NULL before that';
COMMENT ON COLUMN trackai.dispatch_queue.event IS 'the event''s exact JSON, from the first attempt on; NULL before that';
COMMENT ON COLUMN trackai.dispatch_queue.keys IS 'keys the event carries, by bit as in dispatch_attempts.keys; NULL before the first attempt';
COMMENT ON COLUMN trackai.dispatch_queue.unknowns IS 'attempts whose answer could not be understood; their number is limited';
COMMENT ON COLUMN trackai.dispatch_queue.at_most IS 'size of the largest request it may be part of; halved when a request is refused';
COMMENT ON COLUMN trackai.dispatch_queue.resend IS 'whether it was asked for although it had been accepted';
COMMENT ON COLUMN trackai.dispatch_queue.queued_at IS 'when it was put on the queue';

COMMENT ON TABLE trackai.erasures IS 'Erasures of a person''s data, without anything that identifies the person.';
COMMENT ON COLUMN trackai.erasures.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.erasures.id IS 'number of the erasure, generated';
COMMENT ON COLUMN trackai.erasures.erased_at IS 'when the data was erased';
COMMENT ON COLUMN trackai.erasures.changed IS 'rows changed by table, and the number of archive files rewritten';

COMMENT ON TABLE trackai.fact_arrivals IS 'Clicks and identities that unmatched conversions have not been compared with yet.';
COMMENT ON COLUMN trackai.fact_arrivals.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.fact_arrivals.id IS 'number of the entry, generated';
COMMENT ON COLUMN trackai.fact_arrivals.fact IS 'click or identity';
COMMENT ON COLUMN trackai.fact_arrivals.first_id IS 'lowest id that arrived (clicks.id or identities.id)';
COMMENT ON COLUMN trackai.fact_arrivals.last_id IS 'highest id that arrived; ids in between may belong to other tenants';

COMMENT ON TABLE trackai.funnels IS 'Sales funnels of the tenants.';
COMMENT ON COLUMN trackai.funnels.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.funnels.id IS 'the app''s id of the funnel, unique within the tenant';
COMMENT ON COLUMN trackai.funnels.name IS 'display name';
COMMENT ON COLUMN trackai.funnels.status IS 'draft or active';
COMMENT ON COLUMN trackai.funnels.created_at IS 'when the funnel was created';
COMMENT ON COLUMN trackai.funnels.updated_at IS 'when it was last changed';
COMMENT ON COLUMN trackai.funnels.created_by IS 'the app''s user who created it; NULL when unknown';
COMMENT ON COLUMN trackai.funnels.updated_by IS 'the app''s user who last changed it; NULL when unknown';

COMMENT ON COLUMN trackai.identities.id IS 'number of the identity, generated';
COMMENT ON COLUMN trackai.identities.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.identities.external_id IS 'producer''s own id; a landing file''s identity without one gets row:<hash>; unique within the tenant';
COMMENT ON COLUMN trackai.identities.email_hash IS 'SHA-256 of the normalised e-mail address, 64 hex digits; NULL when unknown or removed';
COMMENT ON COLUMN trackai.identities.phone_hash IS 'SHA-256 of the number with its country code, 64 hex digits; NULL when unknown or removed';
COMMENT ON COLUMN trackai.identities.click_id IS 'click it was captured with (clicks.id); NULL until that is here, and once it is deleted';
COMMENT ON COLUMN trackai.identities.created_at IS 'when it was captured';

COMMENT ON TABLE trackai.ingest_files IS 'Landing files that have been loaded, and in which state of theirs.';
COMMENT ON COLUMN trackai.ingest_files.source IS 'path of the file below the landing folder';
COMMENT ON COLUMN trackai.ingest_files.fingerprint IS 'size and modification time; a file that changed is loaded again';
COMMENT ON COLUMN trackai.ingest_files.accepted IS 'new rows it brought';
COMMENT ON COLUMN trackai.ingest_files.duplicates IS 'rows that were here already';
COMMENT ON COLUMN trackai.ingest_files.rejected IS 'records that were refused (ingest_rejects)';
COMMENT ON COLUMN trackai.ingest_files.note IS 'what was wrong with the file as a whole, e.g. that it is truncated; else NULL';
COMMENT ON COLUMN trackai.ingest_files.loaded_at IS 'when it was last loaded';

COMMENT ON TABLE trackai.ingest_rejects IS 'Records that were refused, with the reason. Each can be corrected and loaded again.';
COMMENT ON COLUMN trackai.ingest_rejects.id IS 'number of the reject, generated';
COMMENT ON COLUMN trackai.ingest_rejects.tenant_id IS 'tenant (tenants.id); NULL when it could not be determined';
COMMENT ON COLUMN trackai.ingest_rejects.source IS 'path of the file below the landing folder';
COMMENT ON COLUMN trackai.ingest_rejects.line IS 'line or row of the file, from 1';
COMMENT ON COLUMN trackai.ingest_rejects.payload IS 'the record, with raw e-mail addresses and phone numbers masked; NULL when it could not be read';
COMMENT ON COLUMN trackai.ingest_rejects.reason IS 'why it was refused, in a sentence';
COMMENT ON COLUMN trackai.ingest_rejects.digest IS 'SHA-256 of the refused bytes; a record is kept once, however often its file is loaded';
COMMENT ON COLUMN trackai.ingest_rejects.created_at IS 'when it was refused';

COMMENT ON COLUMN trackai.leases.name IS 'what the worker does, e.g. match_conversions';
COMMENT ON COLUMN trackai.leases.holder IS 'the worker: its Dagster run, or a name of its own';
COMMENT ON COLUMN trackai.leases.taken_at IS 'when the worker began; NULL while it is being started';
COMMENT ON COLUMN trackai.leases.expires_at IS 'alive until then; its heartbeat moves it on';
COMMENT ON COLUMN trackai.leases.leaves_at IS 'when it will end; its successor starts some time before';

COMMENT ON COLUMN trackai.match_log.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.match_log.conversion_id IS 'the conversion (conversions.id)';
COMMENT ON COLUMN trackai.match_log.strategy IS 'fbc, fbp or email';
COMMENT ON COLUMN trackai.match_log.click_id IS 'click that was found (clicks.id); NULL unless outcome is hit';
COMMENT ON COLUMN trackai.match_log.processing_ms IS 'milliseconds from the start of the micro-batch to the writing of this row';
COMMENT ON COLUMN trackai.match_log.run_id IS 'the Dagster run, or cli-<id> for the command line; NULL when unknown';
COMMENT ON COLUMN trackai.match_log.created_at IS 'when the attempt was made; decides the partition';

COMMENT ON TABLE trackai.match_queue IS 'Conversions that wait to be matched.';
COMMENT ON COLUMN trackai.match_queue.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.match_queue.conversion_id IS 'the conversion (conversions.id)';
COMMENT ON COLUMN trackai.match_queue.cause IS 'new (just arrived), recheck (look again, log only a hit) or rematch (asked for, log every attempt)';

COMMENT ON COLUMN trackai.matched_attributions.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.matched_attributions.conversion_id IS 'the conversion (conversions.id)';
COMMENT ON COLUMN trackai.matched_attributions.click_id IS 'click that led to the sale (clicks.id); NULL when unmatched, and once the click is deleted';
COMMENT ON COLUMN trackai.matched_attributions.matched_at IS 'when the conversion was decided';
COMMENT ON COLUMN trackai.matched_attributions.attempts IS 'number of its rows in match_log so far';
COMMENT ON COLUMN trackai.matched_attributions.open_click_key IS 'hash of the click key it still waits for; NULL unless unmatched';
COMMENT ON COLUMN trackai.matched_attributions.open_browser_key IS 'hash of the browser key it still waits for; NULL unless unmatched';
COMMENT ON COLUMN trackai.matched_attributions.open_email_key IS 'hash of the e-mail hash it still waits for; NULL unless unmatched';

COMMENT ON TABLE trackai.past_deliveries IS 'Sales whose successful attempts have left dispatch_attempts.';
COMMENT ON COLUMN trackai.past_deliveries.tenant_id IS 'tenant (tenants.id)';
COMMENT ON COLUMN trackai.past_deliveries.conversion_id IS 'the conversion that was delivered (conversions.id)';
COMMENT ON COLUMN trackai.past_deliveries.delivered_at IS 'when Meta accepted it';

COMMENT ON COLUMN trackai.retention_plans.id IS 'number of the plan, generated';
COMMENT ON COLUMN trackai.retention_plans.day IS 'UTC day from which ages are counted';
COMMENT ON COLUMN trackai.retention_plans.dry_run IS 'whether it was only planned';
COMMENT ON COLUMN trackai.retention_plans.made_at IS 'when the plan was made';
COMMENT ON COLUMN trackai.retention_plans.finished_at IS 'when the run ended; NULL while it is under way, or when it was interrupted';

COMMENT ON TABLE trackai.retention_policies IS 'How long the rows of each table stay, and how they leave.';
COMMENT ON COLUMN trackai.retention_policies.table_name IS 'the table, in schema trackai';
COMMENT ON COLUMN trackai.retention_policies.keep IS 'age at which rows leave';
COMMENT ON COLUMN trackai.retention_policies.action IS 'drop, archive_then_drop or anonymise';
COMMENT ON COLUMN trackai.retention_policies.enabled IS 'whether the policy is applied';
COMMENT ON COLUMN trackai.retention_policies.anonymise_after IS 'age at which personal fields are removed from rows that stay longer; NULL: not before they leave';

COMMENT ON TABLE trackai.retention_steps IS 'What a run of retention planned to do, and what came of it.';
COMMENT ON COLUMN trackai.retention_steps.plan_id IS 'the plan (retention_plans.id)';
COMMENT ON COLUMN trackai.retention_steps.place IS 'place in the order of execution, from 1';
COMMENT ON COLUMN trackai.retention_steps.action IS 'anonymise, archive, drop or delete';
COMMENT ON COLUMN trackai.retention_steps.table_name IS 'the table, in schema trackai';
COMMENT ON COLUMN trackai.retention_steps.day IS 'UTC day of the rows; for anonymise, all rows before that day';
COMMENT ON COLUMN trackai.retention_steps.rows IS 'number of rows that were planned';
COMMENT ON COLUMN trackai.retention_steps.bytes IS 'bytes the rows take in the database, estimated; NULL when nothing is freed';
COMMENT ON COLUMN trackai.retention_steps.reason IS 'which rule asks for it, in a sentence';
COMMENT ON COLUMN trackai.retention_steps.blocked_by IS 'why it cannot be done now; NULL when nothing blocks it';
COMMENT ON COLUMN trackai.retention_steps.state IS 'planned, blocked, done or failed';
COMMENT ON COLUMN trackai.retention_steps.rows_done IS 'number of rows it was done to; NULL until then';
COMMENT ON COLUMN trackai.retention_steps.outcome IS 'what was done or what went wrong, in a sentence; NULL until then';

COMMENT ON TABLE trackai.setup_sessions IS 'Sessions of the set-up wizard.';
COMMENT ON COLUMN trackai.setup_sessions.id IS 'number of the session, generated';
COMMENT ON COLUMN trackai.setup_sessions.tenant_id IS 'the tenant that is set up (tenants.id); NULL until it exists';
COMMENT ON COLUMN trackai.setup_sessions.status IS 'where the session stands';
COMMENT ON COLUMN trackai.setup_sessions.input IS 'answers given so far';
COMMENT ON COLUMN trackai.setup_sessions.issues IS 'what still has to be corrected';
COMMENT ON COLUMN trackai.setup_sessions.created_at IS 'when the session began';
COMMENT ON COLUMN trackai.setup_sessions.updated_at IS 'when it was last changed';

COMMENT ON TABLE trackai.tenants IS 'The customers of this installation. Every fact and result belongs to one.';
COMMENT ON COLUMN trackai.tenants.id IS 'the app''s id of the tenant';
COMMENT ON COLUMN trackai.tenants.slug IS 'short name: the tenant''s landing folder, and part of the name of its token''s variable';
COMMENT ON COLUMN trackai.tenants.name IS 'display name';
COMMENT ON COLUMN trackai.tenants.status IS 'provisioning, active, suspended or retired; only an active tenant''s sales are delivered';
COMMENT ON COLUMN trackai.tenants.pixel_id IS 'Meta pixel that receives the events; NULL until set, and nothing is delivered before that';
COMMENT ON COLUMN trackai.tenants.lookback_days IS 'how many days before a sale a click may lie';
COMMENT ON COLUMN trackai.tenants.email_matching IS 'whether conversions are also matched by e-mail hash';
COMMENT ON COLUMN trackai.tenants.default_country IS 'ISO 3166 alpha-2 code; completes phone numbers that come without a country code; NULL: none is assumed';
COMMENT ON COLUMN trackai.tenants.created_at IS 'when the tenant was created';
COMMENT ON COLUMN trackai.tenants.updated_at IS 'when it was last changed';
COMMENT ON COLUMN trackai.tenants.ldu_country IS 'data_processing_options_country: 0 (Meta decides) or 1 (USA)';
COMMENT ON COLUMN trackai.tenants.ldu_state IS 'data_processing_options_state: 0 (Meta decides) or 1000 (California)';
COMMENT ON COLUMN trackai.tenants.opt_out IS 'whether events are for attribution only, not for optimising ads';
COMMENT ON COLUMN trackai.tenants.test_event_code IS 'code sent with every request so that the events show under Test Events; they still count; NULL: none';

COMMENT ON VIEW trackai.v_conversions IS 'Each conversion with its attribution, and whether it was delivered.';
COMMENT ON COLUMN trackai.v_conversions.click_id IS 'click that led to the sale (clicks.id); NULL when unmatched, pending, or once the click is deleted';
COMMENT ON COLUMN trackai.v_conversions.match_strategy IS 'fbc, fbp, email or unmatched; NULL while pending';
COMMENT ON COLUMN trackai.v_conversions.matched_at IS 'when the conversion was decided; NULL while pending';
COMMENT ON COLUMN trackai.v_conversions.sent_to_capi IS 'whether Meta has accepted it';
-- The other columns of the view are those of its table.
DO $$
DECLARE
    described record;
BEGIN
    FOR described IN
        SELECT a.attname, col_description(a.attrelid, a.attnum) AS comment
        FROM pg_attribute a
        WHERE a.attrelid = 'trackai.conversions'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN trackai.v_conversions.%I IS %L', described.attname, described.comment);
    END LOOP;
END $$;

COMMENT ON COLUMN trackai.window_figures.id IS 'number of the entry, generated';
COMMENT ON COLUMN trackai.window_figures.name IS 'the worker''s work, e.g. match_conversions';
COMMENT ON COLUMN trackai.window_figures.part IS 'part of the work that the figures belong to, e.g. the UTC day of the sales';
COMMENT ON COLUMN trackai.window_figures.figures IS 'JSON object of counts';
COMMENT ON COLUMN trackai.window_figures.noted_at IS 'when they were noted';
