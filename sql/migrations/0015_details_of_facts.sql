-- What a conversion may say besides: its items, where it happened, what may be done with it, the click ids of other
-- networks. And events that are no purchase, which need no value.

-- No constraint is validated, because nothing can break one: the new columns are empty, and every row has its value. So
-- no row is read while the tables are locked.
-- squawk-ignore ban-drop-not-null
ALTER TABLE trackai.conversions ALTER COLUMN value DROP NOT NULL;
-- squawk-ignore ban-drop-not-null
ALTER TABLE trackai.conversions ALTER COLUMN currency DROP NOT NULL;
ALTER TABLE trackai.conversions ADD COLUMN contents jsonb;
ALTER TABLE trackai.conversions ADD COLUMN click_ids jsonb;
ALTER TABLE trackai.conversions ADD COLUMN action_source text COLLATE "C";
ALTER TABLE trackai.conversions ADD COLUMN limited_data_use boolean;
ALTER TABLE trackai.conversions ADD COLUMN opt_out boolean;
ALTER TABLE trackai.conversions ADD CONSTRAINT purchases_have_a_value
    CHECK (event_name <> 'Purchase' OR (value IS NOT NULL AND currency IS NOT NULL)) NOT VALID;
ALTER TABLE trackai.conversions ADD CONSTRAINT a_value_has_a_currency
    CHECK (value IS NULL OR currency IS NOT NULL) NOT VALID;
ALTER TABLE trackai.conversions ADD CONSTRAINT contents_are_a_list
    CHECK (jsonb_typeof(contents) = 'array') NOT VALID;
ALTER TABLE trackai.conversions ADD CONSTRAINT click_ids_are_an_object
    CHECK (jsonb_typeof(click_ids) = 'object') NOT VALID;
ALTER TABLE trackai.conversions ADD CONSTRAINT action_source_is_one_of_metas CHECK (
    action_source IN (
        'website', 'app', 'phone_call', 'chat', 'email', 'physical_store', 'system_generated',
        'business_messaging', 'other'
    )
) NOT VALID;

ALTER TABLE trackai.clicks ADD COLUMN click_ids jsonb;
ALTER TABLE trackai.clicks ADD CONSTRAINT click_ids_are_an_object
    CHECK (jsonb_typeof(click_ids) = 'object') NOT VALID;

-- The columns of a fact are never changed; click_ids may be removed, as other personal fields.
CREATE OR REPLACE TRIGGER conversions_are_immutable
    BEFORE UPDATE OF
        tenant_id, id, gateway, gateway_event_id, sale_key, order_id, event_name, value, currency, occurred_at,
        created_at, contents, action_source, limited_data_use, opt_out
    ON trackai.conversions
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change();

COMMENT ON COLUMN trackai.conversions.value IS 'amount in units of the currency, not in cents; a Purchase has one, NULL where another event has none';
COMMENT ON COLUMN trackai.conversions.currency IS 'ISO 4217 code, three capital letters; a value has one, else perhaps NULL';
COMMENT ON COLUMN trackai.conversions.contents IS 'items as a JSON list of objects with id, and perhaps quantity, price (a unit''s, in the currency) and title; NULL when unknown';
COMMENT ON COLUMN trackai.conversions.click_ids IS 'click ids of other networks as a JSON object: gclid, wbraid, gbraid, ttclid, msclkid; NULL when there are none, or removed';
COMMENT ON COLUMN trackai.conversions.action_source IS 'where it happened, in Meta''s words: website, app, phone_call, chat, email, physical_store, system_generated, business_messaging or other; NULL: on a website';
COMMENT ON COLUMN trackai.conversions.limited_data_use IS 'true: Meta may use it in the limited way only (LDU); NULL or false: as the tenant has it';
COMMENT ON COLUMN trackai.conversions.opt_out IS 'true: for attribution only, not for optimising ads; NULL or false: as the tenant has it';
COMMENT ON COLUMN trackai.clicks.click_ids IS 'click ids of other networks as a JSON object: gclid, wbraid, gbraid, ttclid, msclkid; NULL when there are none, or removed';
COMMENT ON COLUMN trackai.clicks.anonymised_at IS 'when click_ids were removed and ip and user_agent made less precise; NULL before that';
COMMENT ON COLUMN trackai.conversions.anonymised_at IS 'when hashes and click_ids were removed and address and user agent made less precise; NULL before that';
COMMENT ON COLUMN trackai.daily_match_rates.currency IS 'ISO 4217 code of the values; XXX, no currency, for events without one';

-- A view's columns are those of its making.
-- squawk-ignore ban-drop-view
DROP VIEW trackai.v_conversions;
CREATE VIEW trackai.v_conversions AS
SELECT c.*,
       a.click_id,
       a.strategy AS match_strategy,
       a.matched_at,
       EXISTS (
           SELECT 1 FROM trackai.dispatch_attempts d
           WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id AND d.status = 'success'
       ) OR EXISTS (
           SELECT 1 FROM trackai.past_deliveries p WHERE p.tenant_id = c.tenant_id AND p.conversion_id = c.id
       ) AS sent_to_capi
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id;

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
