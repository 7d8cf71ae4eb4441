-- What the facts of a benchmark are made of: each value is a function of its row's number, so a sale names its
-- click's keys without reading the click. Keys are as long as Meta's, tenants' shares fall like 1/n.
-- STABLE, and casts to text spelled out, which lets the planner put each function's expression in its place.

CREATE SCHEMA IF NOT EXISTS benchmark;

-- The one world that is loaded; clicks are spread evenly over the 90 days before `until`.
CREATE TABLE IF NOT EXISTS benchmark.world (
    clicks bigint NOT NULL,
    tenants integer NOT NULL,
    until timestamptz NOT NULL
);

-- In [0, 1), the same for the same number and purpose.
CREATE OR REPLACE FUNCTION benchmark.chance(number bigint, purpose integer) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (hashint8extended(number, purpose) & 9007199254740991) / 9007199254740992::double precision;

-- A tenant's id, as long as a cuid.
CREATE OR REPLACE FUNCTION benchmark.tenant_id(place integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'c' || left(md5('tenant ' || place::text), 24);

-- Tenant 1 of 100 gets 15 of 100 rows, tenant 10 gets 2.
CREATE OR REPLACE FUNCTION benchmark.tenant_of(number bigint, tenants integer) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN benchmark.tenant_id(floor(power(tenants + 1, benchmark.chance(number, 1)))::integer);

CREATE OR REPLACE FUNCTION benchmark.clicked_at(number bigint, clicks bigint, until timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN until - (1 - number::double precision / clicks) * interval '2160 hours';

-- The other way round: the number of the newest click at or before a time, the first one's if there is none.
CREATE OR REPLACE FUNCTION benchmark.last_click_before(at timestamptz, clicks bigint, until timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN greatest(1, clicks - ceil(date_part('epoch', until - at) * clicks / 7776000))::bigint;

-- 60 to 99 signs.
CREATE OR REPLACE FUNCTION benchmark.fbclid_of(number bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'IwY2xjaw' || left(md5(number::text) || md5('b' || number::text) || md5('c' || number::text), 52 + abs(number % 40)::integer);

CREATE OR REPLACE FUNCTION benchmark.fbc_of(number bigint, clicked_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'fb.1.' || floor(1000 * date_part('epoch', clicked_at))::bigint::text || '.' || benchmark.fbclid_of(number);

CREATE OR REPLACE FUNCTION benchmark.fbp_of(number bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'fb.1.' || (1700000000000 + floor(60000000000 * benchmark.chance(number, 2)))::bigint::text
    || '.' || floor(9999999999 * benchmark.chance(number, 3))::bigint::text;

CREATE OR REPLACE FUNCTION benchmark.user_agent_of(number bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (ARRAY[
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
    'Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15'
])[1 + (number & 3)::integer];

-- Sales of 75 clicks in 100 carry the click's fbc, 15 only its fbp (with an unknown fbc or none), 6 unknown keys, 4 no
-- key. They happened in the last two days before `until`, from a minute to a month after their click; how long after is
-- spread evenly over the magnitudes: a third within 34 minutes, two thirds within 20 hours.
CREATE OR REPLACE FUNCTION benchmark.sales(first bigint, last bigint)
RETURNS TABLE (
    tenant_id text, gateway text, gateway_event_id text, order_id text, value numeric, currency text,
    occurred_at timestamptz, fbc text, fbp text, customer_email_hash text, customer_phone_hash text, client_ip inet,
    client_user_agent text, event_source_url text
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT benchmark.tenant_of(click.number, w.tenants),
           (ARRAY['hotmart', 'stripe', 'shopify', 'kiwify'])[1 + (s.number & 3)::integer],
           'evt_' || md5('event ' || s.number::text),
           'HP' || lpad(s.number::text, 12, '0'),
           round((9 + 990 * benchmark.chance(s.number, 4))::numeric, 2),
           (ARRAY['BRL', 'BRL', 'USD', 'EUR'])[1 + (s.number >> 2 & 3)::integer],
           sold.at,
           CASE
               WHEN kind.number < 75 THEN benchmark.fbc_of(click.number, click.at)
               WHEN kind.number < 82 OR kind.number BETWEEN 90 AND 95 THEN benchmark.fbc_of(-s.number, click.at)
           END,
           CASE
               WHEN kind.number < 90 THEN benchmark.fbp_of(click.number)
               WHEN kind.number < 96 THEN benchmark.fbp_of(-s.number)
           END,
           md5('e-mail ' || s.number::text) || md5('address ' || s.number::text),
           CASE WHEN s.number & 2 = 0 THEN md5('phone ' || s.number::text) || md5('number ' || s.number::text) END,
           -- Kept for benchmarks (RFC 2544); addresses of private networks would be left out by the load.
           '198.18.0.0'::inet + (s.number & 131071),
           benchmark.user_agent_of(s.number),
           'https://shop.example/checkout/' || md5('page ' || s.number::text)
    FROM benchmark.world w
    CROSS JOIN generate_series(first, last) AS s (number)
    CROSS JOIN LATERAL (SELECT w.until - benchmark.chance(s.number, 5) * interval '48 hours' AS at) sold
    CROSS JOIN LATERAL (
        SELECT benchmark.last_click_before(
            sold.at - exp(benchmark.chance(s.number, 6) * ln(43200)) * interval '1 minute',
            greatest(w.clicks, 1),
            w.until
        ) AS number
    ) picked
    CROSS JOIN LATERAL (
        SELECT picked.number, benchmark.clicked_at(picked.number, greatest(w.clicks, 1), w.until) AS at
    ) click
    CROSS JOIN LATERAL (SELECT floor(100 * benchmark.chance(s.number, 7))::integer AS number) kind;
END;
