-- Base tables that other domains hang on: users, the conversions of each, and campaigns.

-- Users --------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.users (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    id text COLLATE "C" NOT NULL CHECK (id <> '' AND length(id) <= 512),
    email_hash text COLLATE "C" CHECK (length(email_hash) = 64 AND email_hash !~ '[^0-9a-f]'),
    phone_hash text COLLATE "C" CHECK (length(phone_hash) = 64 AND phone_hash !~ '[^0-9a-f]'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
-- v_wrong_user_links: the user with the lowest id of those with this hash.
CREATE INDEX users_by_email ON trackai.users (tenant_id, email_hash, id) WHERE email_hash IS NOT NULL;
CREATE INDEX users_by_phone ON trackai.users (tenant_id, phone_hash, id) WHERE phone_hash IS NOT NULL;

-- facts/link_staged_users: the conversions of a contact. A person's records (support, erasure).
CREATE INDEX conversions_by_email ON trackai.conversions (tenant_id, customer_email_hash)
    WHERE customer_email_hash IS NOT NULL;
CREATE INDEX conversions_by_phone ON trackai.conversions (tenant_id, customer_phone_hash)
    WHERE customer_phone_hash IS NOT NULL;

-- A stored result, because it outlives the hashes it comes from: those leave conversions when they are anonymised.
CREATE TABLE trackai.user_conversions (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    conversion_id bigint NOT NULL,
    linked_by text COLLATE "C" NOT NULL CHECK (linked_by IN ('email', 'phone')),
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversion_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, conversion_id) REFERENCES trackai.conversions (tenant_id, id) ON DELETE CASCADE
);
-- A user's conversions; the foreign key's own look-up.
CREATE INDEX user_conversions_by_user ON trackai.user_conversions (tenant_id, user_id);

-- Conversions whose stored link is not the one that the rule gives now: the user with the conversion's e-mail hash, else
-- the one with its phone hash; of several users with one hash the lowest id. A user_id that is NULL: there should be no
-- link. Conversions without hashes are not judged: what was linked before they were anonymised stays linked.
CREATE VIEW trackai.v_wrong_user_links AS
SELECT c.tenant_id, c.id AS conversion_id, c.gateway, c.gateway_event_id, c.occurred_at,
       coalesce(e.id, p.id) AS user_id,
       CASE WHEN e.id IS NOT NULL THEN 'email' WHEN p.id IS NOT NULL THEN 'phone' END AS linked_by
FROM trackai.conversions c
LEFT JOIN LATERAL (
    SELECT u.id FROM trackai.users u
    WHERE u.tenant_id = c.tenant_id AND u.email_hash = c.customer_email_hash
    ORDER BY u.id LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT u.id FROM trackai.users u
    WHERE u.tenant_id = c.tenant_id AND u.phone_hash = c.customer_phone_hash AND e.id IS NULL
    ORDER BY u.id LIMIT 1
) p ON true
LEFT JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
WHERE (c.customer_email_hash IS NOT NULL OR c.customer_phone_hash IS NOT NULL)
  AND (l.user_id, l.linked_by) IS DISTINCT FROM (
      coalesce(e.id, p.id), CASE WHEN e.id IS NOT NULL THEN 'email' WHEN p.id IS NOT NULL THEN 'phone' END
  );

COMMENT ON TABLE trackai.users IS 'People of an app, by the app''s own id, with hashed e-mail and phone.';
COMMENT ON COLUMN trackai.users.tenant_id IS 'whose user it is';
COMMENT ON COLUMN trackai.users.id IS 'the app''s own id of the user';
COMMENT ON COLUMN trackai.users.email_hash IS 'SHA-256 of the normalised address, 64 hex digits';
COMMENT ON COLUMN trackai.users.phone_hash IS 'SHA-256 of the number with its country code, 64 hex digits';
COMMENT ON COLUMN trackai.users.created_at IS 'when the user came to be';
COMMENT ON COLUMN trackai.users.updated_at IS 'when the producer said what this row says; an older statement does not replace it';
COMMENT ON TABLE trackai.user_conversions IS 'Which user each conversion belongs to, where one is known by e-mail or phone.';
COMMENT ON COLUMN trackai.user_conversions.tenant_id IS 'whose conversion it is';
COMMENT ON COLUMN trackai.user_conversions.user_id IS 'the app''s own id of the user';
COMMENT ON COLUMN trackai.user_conversions.conversion_id IS 'the conversion';
COMMENT ON COLUMN trackai.user_conversions.linked_by IS 'what both have in common: email, else phone';
COMMENT ON COLUMN trackai.user_conversions.linked_at IS 'when the link was found, or last changed';

COMMENT ON VIEW trackai.v_wrong_user_links IS 'Conversions with hashes whose stored link is not the one that the rule gives now.';
COMMENT ON COLUMN trackai.v_wrong_user_links.tenant_id IS 'whose conversion it is';
COMMENT ON COLUMN trackai.v_wrong_user_links.conversion_id IS 'the conversion';
COMMENT ON COLUMN trackai.v_wrong_user_links.gateway IS 'the gateway that reported it';
COMMENT ON COLUMN trackai.v_wrong_user_links.gateway_event_id IS 'the gateway''s id of the event';
COMMENT ON COLUMN trackai.v_wrong_user_links.occurred_at IS 'when the sale happened';
COMMENT ON COLUMN trackai.v_wrong_user_links.user_id IS 'the user that the rule gives; NULL where there should be no link';
COMMENT ON COLUMN trackai.v_wrong_user_links.linked_by IS 'what both have in common: email, else phone';

-- Campaigns ----------------------------------------------------------------------------------------------------

CREATE TABLE trackai.campaigns (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    campaign_id text COLLATE "C" NOT NULL CHECK (length(campaign_id) BETWEEN 1 AND 512),
    name text NOT NULL CHECK (name <> ''),
    status text COLLATE "C" NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'active', 'paused', 'completed', 'archived')),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- NULL where only clicks have named it so far.
    updated_at timestamptz,
    PRIMARY KEY (tenant_id, campaign_id)
);

-- Which campaign a click belongs to, by its utm_campaign; every domain asks here. `(none)`: it names none. `(macro)`: the
-- ad platform did not fill in a template. An alias, where there is one for trackai.trimmed(utm_campaign), goes before
-- `(macro)`. Longer names than a campaign may have are cut.
CREATE FUNCTION trackai.campaign_of(utm_campaign text, alias text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN coalesce(trackai.trimmed(utm_campaign), '(none)') = '(none)' THEN '(none)'
    WHEN alias IS NOT NULL THEN alias
    WHEN utm_campaign ~ '[{][{].*[}][}]|[{][A-Za-z0-9_]+[}]|__[A-Z][A-Z0-9_]*__|%7[Bb]' THEN '(macro)'
    ELSE left(trackai.trimmed(utm_campaign), 512)
END;

COMMENT ON TABLE trackai.campaigns IS 'Ad campaigns: those a tenant lists, and those its clicks name.';
COMMENT ON COLUMN trackai.campaigns.tenant_id IS 'whose campaign it is';
COMMENT ON COLUMN trackai.campaigns.campaign_id IS 'what clicks name in utm_campaign; (none) and (macro) stand for clicks that name none';
COMMENT ON COLUMN trackai.campaigns.name IS 'for people; the id where nobody gave one';
COMMENT ON COLUMN trackai.campaigns.status IS 'draft, active, paused, completed or archived; one that a click named first is active';
COMMENT ON COLUMN trackai.campaigns.created_at IS 'when it came to be, or was first seen';
COMMENT ON COLUMN trackai.campaigns.updated_at IS 'when somebody said what this row says; NULL where only clicks have named it';
