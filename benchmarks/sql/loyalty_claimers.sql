-- Adds a tenant whose %(creators)s creators all hold the tier of a reward with a stock of %(stock)s, without a claim.
WITH tenant AS (
    INSERT INTO trackai.tenants (id, slug, name) VALUES ('cm2claims0000000000000000', 'shop-claims', 'Shop with claims')
),
program AS (
    INSERT INTO trackai.loyalty_programs (tenant_id, valid_from, currency, status)
    VALUES ('cm2claims0000000000000000', '2025-01-01', 'BRL', 'active')
),
creator AS (
    INSERT INTO trackai.users (tenant_id, id, created_at, updated_at)
    SELECT 'cm2claims0000000000000000', 'u' || n, now(), now() FROM generate_series(1, %(creators)s) n
),
member AS (
    INSERT INTO trackai.loyalty_members (tenant_id, user_id, enrolled_on, current_tier, window_start)
    SELECT 'cm2claims0000000000000000', 'u' || n, '2025-01-01', 'tier_3', '2025-01-01' FROM generate_series(1, %(creators)s) n
)
INSERT INTO trackai.rewards (tenant_id, reward_id, type, name, tier_eligibility, stock_total)
VALUES ('cm2claims0000000000000000', 'card', 'gift_card', 'A card', 'tier_3', %(stock)s)
