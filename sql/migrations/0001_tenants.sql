-- The schema, the keys by which clicks and conversions are compared, tenants and their funnels.
-- Every key and unique constraint of a tenant's table leads with tenant_id. Text that is compared or indexed is
-- COLLATE "C": byte order is several times faster than a language's and the same on every machine.
-- Each index names the statement that needs it; nothing else is indexed.

CREATE SCHEMA trackai;

-- Keys of a click and of a conversion ------------------------------------------------------------------------
-- One definition for both sides and for the indexes. White space is Unicode's, spelled out, so that the answer
-- does not depend on the database's locale. Each function is a plain expression and is inlined by the planner.

CREATE FUNCTION trackai.trimmed(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(btrim(value, U&'\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000'), '');

-- Meta's fbc: fb.<subdomain index>.<creation time>.<fbclid>, and perhaps a fifth segment that is ignored.
CREATE FUNCTION trackai.fbclid_of_fbc(fbc text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN trackai.trimmed(fbc) ~ U&'^fb[.][012][.][0-9]+[.][^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+([.][^.]*)?$'
         AND length(split_part(trackai.trimmed(fbc), '.', 4)) <= 512
    THEN split_part(trackai.trimmed(fbc), '.', 4)
END;

CREATE FUNCTION trackai.well_formed_fbclid(fbclid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN trackai.trimmed(fbclid) ~ U&'^[^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+$'
         AND length(trackai.trimmed(fbclid)) <= 512
    THEN trackai.trimmed(fbclid)
END;

CREATE FUNCTION trackai.click_key(fbc text, fbclid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(trackai.fbclid_of_fbc(fbc), trackai.well_formed_fbclid(fbclid));

-- Meta's fbp: fb.<subdomain index>.<creation time>.<random number>, and perhaps a fifth segment.
CREATE FUNCTION trackai.browser_key(fbp text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN trackai.trimmed(fbp) ~ '^fb[.][012][.][0-9]+[.][0-9]+([.][^.]*)?$'
    THEN array_to_string((string_to_array(trackai.trimmed(fbp), '.'))[1:4], '.')
END;

-- An index holds eight bytes of a key instead of the key: a fraction of the size, so that it stays in memory.
-- Whoever looks up by it compares the keys too.
CREATE FUNCTION trackai.key_hash(key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended(key COLLATE "C", 0);

-- Tenants ----------------------------------------------------------------------------------------------------

CREATE TABLE trackai.tenants (
    id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    -- Also the name of the tenant's landing folder, and part of its token's variable.
    slug text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'),
    name text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('provisioning', 'active', 'suspended', 'retired')),
    pixel_id text,
    lookback_days integer NOT NULL DEFAULT 90 CHECK (lookback_days BETWEEN 0 AND 3650),
    email_matching boolean NOT NULL DEFAULT false,
    -- ISO 3166 alpha-2; completes a phone number that comes without a country code.
    default_country text CHECK (default_country ~ '^[A-Z]{2}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (updated_at >= created_at)
);

CREATE TABLE trackai.funnels (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by text,
    updated_by text,
    PRIMARY KEY (tenant_id, id),
    CHECK (updated_at >= created_at)
);
