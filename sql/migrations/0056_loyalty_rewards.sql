-- Loyalty: rewards, missions, claims, boosts, gifts and raffles.

-- What creators can get ----------------------------------------------------------------------------------------------

CREATE TABLE trackai.rewards (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    reward_id text COLLATE "C" NOT NULL CHECK (length(reward_id) BETWEEN 1 AND 100),
    type text COLLATE "C" NOT NULL
        CHECK (type IN ('gift_card', 'commission_boost', 'spark_ads', 'discount', 'physical_gift', 'experience')),
    name text NOT NULL CHECK (name <> ''),
    description text,
    value_data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(value_data) = 'object'),
    reward_source text COLLATE "C" NOT NULL DEFAULT 'vip_tier' CHECK (reward_source IN ('vip_tier', 'mission')),
    tier_eligibility text COLLATE "C",
    preview_from_tier text COLLATE "C",
    enabled boolean NOT NULL DEFAULT true,
    redemption_frequency text COLLATE "C" NOT NULL DEFAULT 'one-time'
        CHECK (redemption_frequency IN ('one-time', 'checkpoint', 'monthly', 'weekly', 'unlimited')),
    redemption_quantity smallint DEFAULT 1 CHECK (redemption_quantity BETWEEN 1 AND 10),
    redemption_type text COLLATE "C" NOT NULL DEFAULT 'instant' CHECK (redemption_type IN ('instant', 'scheduled')),
    creation text COLLATE "C" NOT NULL DEFAULT 'lazy' CHECK (creation IN ('lazy', 'eager')),
    stock_total integer CHECK (stock_total >= 0),
    stock_taken integer NOT NULL DEFAULT 0,
    expires_days integer CHECK (expires_days BETWEEN 1 AND 3650),
    starts_on date,
    ends_on date,
    display_order integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, reward_id),
    CONSTRAINT stock_is_not_exceeded CHECK (stock_taken BETWEEN 0 AND stock_total),
    CONSTRAINT stock_taken_is_counted CHECK (stock_total IS NOT NULL OR stock_taken = 0),
    CONSTRAINT rewards_of_tiers_name_theirs CHECK (reward_source = 'mission' OR tier_eligibility IS NOT NULL),
    CONSTRAINT unlimited_has_no_quantity CHECK ((redemption_frequency = 'unlimited') = (redemption_quantity IS NULL)),
    CONSTRAINT eager_rewards_have_cycles
        CHECK (creation = 'lazy' OR (reward_source = 'vip_tier' AND redemption_frequency <> 'unlimited')),
    CONSTRAINT rewards_end_after_they_start CHECK (ends_on > starts_on)
) WITH (fillfactor = 70);
CREATE INDEX rewards_page ON trackai.rewards (tenant_id, enabled, tier_eligibility, reward_source, display_order);
COMMENT ON TABLE trackai.rewards IS 'What creators can claim: for holding a tier, or for a mission.';
COMMENT ON COLUMN trackai.rewards.tenant_id IS 'whose reward it is (tenants.id)';
COMMENT ON COLUMN trackai.rewards.reward_id IS 'what commands and the app call it';
COMMENT ON COLUMN trackai.rewards.type IS 'gift_card, commission_boost, spark_ads, discount, physical_gift or experience';
COMMENT ON COLUMN trackai.rewards.name IS 'what creators read; also the prize of a raffle';
COMMENT ON COLUMN trackai.rewards.description IS 'more about it; NULL where nobody said';
COMMENT ON COLUMN trackai.rewards.value_data IS 'what it is worth; of a commission_boost boost_rate (percent) and duration_days, of a physical_gift requires_size and size_category';
COMMENT ON COLUMN trackai.rewards.reward_source IS 'vip_tier: for holding the tier; mission: for completing a mission, or winning a raffle';
COMMENT ON COLUMN trackai.rewards.tier_eligibility IS 'the tier that gets it, exactly (tiers.tier_id); NULL: the mission says';
COMMENT ON COLUMN trackai.rewards.preview_from_tier IS 'lowest tier that sees it before it can be claimed; NULL: none';
COMMENT ON COLUMN trackai.rewards.enabled IS 'whether it is on offer at all';
COMMENT ON COLUMN trackai.rewards.redemption_frequency IS 'how often it can be claimed: one-time, or once in each window (checkpoint), local month, ISO week; or unlimited';
COMMENT ON COLUMN trackai.rewards.redemption_quantity IS 'claims each time, 1 to 10; NULL for unlimited';
COMMENT ON COLUMN trackai.rewards.redemption_type IS 'instant, or scheduled: for a day that the creator chooses';
COMMENT ON COLUMN trackai.rewards.creation IS 'lazy: a row of redemptions appears when it is claimed; eager: when the tier is reached';
COMMENT ON COLUMN trackai.rewards.stock_total IS 'how many there are; NULL: as many as are claimed';
COMMENT ON COLUMN trackai.rewards.stock_taken IS 'how many of stock_total are claimed and not rejected; 0 without a stock';
COMMENT ON COLUMN trackai.rewards.expires_days IS 'days after which an unclaimed offer lapses; NULL: it does not';
COMMENT ON COLUMN trackai.rewards.starts_on IS 'first local day on offer; NULL: since ever';
COMMENT ON COLUMN trackai.rewards.ends_on IS 'first local day on which it is not on offer any more; NULL: no end';
COMMENT ON COLUMN trackai.rewards.display_order IS 'place on the rewards page, low first';
COMMENT ON COLUMN trackai.rewards.created_at IS 'when it was created';
COMMENT ON COLUMN trackai.rewards.updated_at IS 'when it was last set';

CREATE TABLE trackai.missions (
    tenant_id text COLLATE "C" NOT NULL REFERENCES trackai.tenants (id),
    mission_id text COLLATE "C" NOT NULL CHECK (length(mission_id) BETWEEN 1 AND 100),
    title text NOT NULL CHECK (title <> ''),
    display_name text NOT NULL CHECK (display_name <> ''),
    description text,
    mission_type text COLLATE "C" NOT NULL
        CHECK (mission_type IN ('sales_dollars', 'sales_units', 'videos', 'raffle')),
    target_value numeric(18, 4) NOT NULL CHECK (target_value >= 0),
    target_unit text COLLATE "C" NOT NULL CHECK (target_unit IN ('dollars', 'units', 'count')),
    reward_id text COLLATE "C" NOT NULL,
    tier_eligibility text COLLATE "C" NOT NULL DEFAULT 'all',
    preview_from_tier text COLLATE "C",
    display_order integer NOT NULL DEFAULT 0,
    raffle_end_date date,
    winners integer CHECK (winners > 0),
    enabled boolean NOT NULL DEFAULT true,
    activated boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, mission_id),
    FOREIGN KEY (tenant_id, reward_id) REFERENCES trackai.rewards (tenant_id, reward_id),
    CONSTRAINT raffles_alone_have_an_end_and_winners CHECK (
        (mission_type = 'raffle') = (raffle_end_date IS NOT NULL) AND (mission_type = 'raffle') = (winners IS NOT NULL)
        AND (mission_type = 'raffle') = (target_value = 0) AND target_value >= 0
    ),
    CONSTRAINT units_are_those_of_the_type CHECK (
        target_unit = CASE mission_type WHEN 'sales_dollars' THEN 'dollars' WHEN 'sales_units' THEN 'units' ELSE 'count' END
    )
);
CREATE INDEX missions_page ON trackai.missions (tenant_id, enabled, tier_eligibility, display_order);
CREATE INDEX missions_by_reward ON trackai.missions (tenant_id, reward_id);
COMMENT ON TABLE trackai.missions IS 'What creators can do for a reward within one of their windows, and raffles.';
COMMENT ON COLUMN trackai.missions.tenant_id IS 'whose mission it is (tenants.id)';
COMMENT ON COLUMN trackai.missions.mission_id IS 'what commands and the app call it';
COMMENT ON COLUMN trackai.missions.title IS 'what managers read';
COMMENT ON COLUMN trackai.missions.display_name IS 'what creators read';
COMMENT ON COLUMN trackai.missions.description IS 'more about it; NULL where nobody said';
COMMENT ON COLUMN trackai.missions.mission_type IS 'what is counted: sales_dollars, sales_units or videos; or raffle';
COMMENT ON COLUMN trackai.missions.target_value IS 'what completes it; 0 for a raffle';
COMMENT ON COLUMN trackai.missions.target_unit IS 'unit of target_value: dollars (of the program''s currency, whatever it is), units or count';
COMMENT ON COLUMN trackai.missions.reward_id IS 'the reward (rewards.reward_id), or the prize of the raffle';
COMMENT ON COLUMN trackai.missions.tier_eligibility IS 'the tier that it is for, exactly (tiers.tier_id), or all';
COMMENT ON COLUMN trackai.missions.preview_from_tier IS 'lowest tier that sees it before it can take part; NULL: none';
COMMENT ON COLUMN trackai.missions.display_order IS 'place on the missions page, low first';
COMMENT ON COLUMN trackai.missions.raffle_end_date IS 'first local day on which nobody can enter the raffle any more; NULL: no raffle';
COMMENT ON COLUMN trackai.missions.winners IS 'how many a raffle draws; NULL: no raffle';
COMMENT ON COLUMN trackai.missions.enabled IS 'whether it runs';
COMMENT ON COLUMN trackai.missions.activated IS 'of a raffle: whether it was opened';
COMMENT ON COLUMN trackai.missions.created_at IS 'when it was created';
COMMENT ON COLUMN trackai.missions.updated_at IS 'when it was last set';

CREATE TABLE trackai.mission_progress (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    mission_id text COLLATE "C" NOT NULL,
    checkpoint_start date NOT NULL,
    checkpoint_end date,
    current_value numeric(18, 4) NOT NULL,
    target_value numeric(18, 4) NOT NULL,
    status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'dormant', 'completed')),
    completed_on date,
    ledger_upto bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, mission_id, checkpoint_start),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.loyalty_members (tenant_id, user_id),
    FOREIGN KEY (tenant_id, mission_id) REFERENCES trackai.missions (tenant_id, mission_id),
    CONSTRAINT completed_missions_have_a_day CHECK (status <> 'completed' OR completed_on IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX mission_progress_by_day ON trackai.mission_progress USING brin (checkpoint_start);
COMMENT ON TABLE trackai.mission_progress IS 'How far each creator got in a mission, a row for each window; no row: nothing yet.';
COMMENT ON COLUMN trackai.mission_progress.tenant_id IS 'whose mission it is';
COMMENT ON COLUMN trackai.mission_progress.user_id IS 'the creator (loyalty_members.user_id)';
COMMENT ON COLUMN trackai.mission_progress.mission_id IS 'the mission (missions.mission_id)';
COMMENT ON COLUMN trackai.mission_progress.checkpoint_start IS 'first day of the window';
COMMENT ON COLUMN trackai.mission_progress.checkpoint_end IS 'first day after the window, as it was planned; NULL: it does not end';
COMMENT ON COLUMN trackai.mission_progress.current_value IS 'what the ledger, or the videos, made of it by the last evaluated day of the window';
COMMENT ON COLUMN trackai.mission_progress.target_value IS 'what completes it';
COMMENT ON COLUMN trackai.mission_progress.status IS 'active; completed; dormant while the creator''s tier is none that it is for';
COMMENT ON COLUMN trackai.mission_progress.completed_on IS 'evaluated day on which it was completed; NULL: it is not';
COMMENT ON COLUMN trackai.mission_progress.ledger_upto IS 'posting up to which the ledger was read';
COMMENT ON COLUMN trackai.mission_progress.created_at IS 'when the row was written';
COMMENT ON COLUMN trackai.mission_progress.updated_at IS 'when it was last changed';

-- What creators claimed ----------------------------------------------------------------------------------------------

CREATE TABLE trackai.redemptions (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id text COLLATE "C" NOT NULL,
    reward_id text COLLATE "C" NOT NULL,
    mission_id text COLLATE "C",
    checkpoint_start date,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('claimable', 'claimed', 'fulfilled', 'concluded', 'rejected', 'expired')),
    tier_at_claim text COLLATE "C" NOT NULL,
    redemption_type text COLLATE "C" NOT NULL CHECK (redemption_type IN ('instant', 'scheduled')),
    cycle_key text COLLATE "C" NOT NULL,
    slot smallint,
    claim_key text COLLATE "C" CHECK (length(claim_key) BETWEEN 1 AND 200),
    claimed_at timestamptz,
    scheduled_activation_date date,
    scheduled_activation_time time,
    activation_date date,
    expiration_date date,
    fulfilled_at timestamptz,
    fulfilled_by text,
    fulfillment_notes text,
    concluded_at timestamptz,
    rejected_at timestamptz,
    rejection_reason text,
    expired_at timestamptz,
    external_transaction_id text COLLATE "C",
    deleted_at timestamptz,
    deleted_reason text COLLATE "C" CHECK (deleted_reason IN ('demoted', 'reward_disabled', 'left', 'erased')),
    reactivations integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz GENERATED ALWAYS AS (coalesce(concluded_at, rejected_at, expired_at)) STORED,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT redemptions_once_a_slot UNIQUE (tenant_id, user_id, reward_id, cycle_key, slot),
    CONSTRAINT redemptions_once_a_claim_key UNIQUE (tenant_id, claim_key),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.loyalty_members (tenant_id, user_id),
    FOREIGN KEY (tenant_id, reward_id) REFERENCES trackai.rewards (tenant_id, reward_id),
    FOREIGN KEY (tenant_id, mission_id) REFERENCES trackai.missions (tenant_id, mission_id),
    CONSTRAINT rejected_rows_free_their_slot CHECK ((status = 'rejected') = (slot IS NULL)),
    CONSTRAINT times_are_those_of_the_status CHECK (
        (status IN ('claimed', 'fulfilled', 'concluded', 'rejected')) = (claimed_at IS NOT NULL)
        AND (status <> 'fulfilled' OR fulfilled_at IS NOT NULL)
        AND (status = 'concluded') = (concluded_at IS NOT NULL)
        AND (status = 'rejected') = (rejected_at IS NOT NULL)
        AND (status = 'expired') = (expired_at IS NOT NULL)
    ),
    CONSTRAINT only_offers_are_deleted CHECK (deleted_at IS NULL OR status IN ('claimable', 'expired')),
    CONSTRAINT deleted_rows_say_why CHECK ((deleted_at IS NULL) = (deleted_reason IS NULL))
) WITH (fillfactor = 85);
CREATE INDEX redemptions_work_list ON trackai.redemptions (tenant_id, status, created_at);
CREATE INDEX redemptions_by_day ON trackai.redemptions USING brin (ended_at);
COMMENT ON TABLE trackai.redemptions IS 'Claims of rewards; of eager rewards also what is on offer.';
COMMENT ON COLUMN trackai.redemptions.tenant_id IS 'whose reward it is';
COMMENT ON COLUMN trackai.redemptions.id IS 'number of the redemption, generated';
COMMENT ON COLUMN trackai.redemptions.user_id IS 'the creator (loyalty_members.user_id)';
COMMENT ON COLUMN trackai.redemptions.reward_id IS 'the reward (rewards.reward_id)';
COMMENT ON COLUMN trackai.redemptions.mission_id IS 'mission that it was earned by (missions.mission_id); NULL: by the tier';
COMMENT ON COLUMN trackai.redemptions.checkpoint_start IS 'first day of the creator''s window, of a mission that of the mission; NULL where the claim is not for a window';
COMMENT ON COLUMN trackai.redemptions.status IS 'claimable -> claimed -> fulfilled -> concluded; claimed -> rejected; claimable -> expired';
COMMENT ON COLUMN trackai.redemptions.tier_at_claim IS 'tier of the creator when it was claimed, or while it is on offer (tiers.tier_id)';
COMMENT ON COLUMN trackai.redemptions.redemption_type IS 'instant or scheduled';
COMMENT ON COLUMN trackai.redemptions.cycle_key IS 'what it can be claimed once for: once, w:<window start>, m:<local month>, i:<ISO week>, c:<claim key>, x:<mission>:<window start>';
COMMENT ON COLUMN trackai.redemptions.slot IS 'which of the reward''s redemption_quantity, from 1; NULL once rejected';
COMMENT ON COLUMN trackai.redemptions.claim_key IS 'what the app named the claim by: the same key again is the same claim; NULL: on offer, or won';
COMMENT ON COLUMN trackai.redemptions.claimed_at IS 'when it was claimed; NULL: on offer or expired';
COMMENT ON COLUMN trackai.redemptions.scheduled_activation_date IS 'local day that the creator chose; NULL: instant';
COMMENT ON COLUMN trackai.redemptions.scheduled_activation_time IS 'local time of that day; NULL where none was chosen';
COMMENT ON COLUMN trackai.redemptions.activation_date IS 'local day on which it took effect; NULL before';
COMMENT ON COLUMN trackai.redemptions.expiration_date IS 'first local day on which the offer has lapsed, or a boost is over; NULL: it does not end';
COMMENT ON COLUMN trackai.redemptions.fulfilled_at IS 'when it was handed over, or a payout is due; NULL before';
COMMENT ON COLUMN trackai.redemptions.fulfilled_by IS 'login of who fulfilled it; NULL: the evaluation, or not yet';
COMMENT ON COLUMN trackai.redemptions.fulfillment_notes IS 'what was said when it was fulfilled; NULL: nothing, or the creator was erased';
COMMENT ON COLUMN trackai.redemptions.concluded_at IS 'when nothing was left to do; NULL before';
COMMENT ON COLUMN trackai.redemptions.rejected_at IS 'when it was rejected; NULL: it is not';
COMMENT ON COLUMN trackai.redemptions.rejection_reason IS 'why; NULL: it is not rejected, or the creator was erased';
COMMENT ON COLUMN trackai.redemptions.expired_at IS 'when the offer was found lapsed; NULL: it is not';
COMMENT ON COLUMN trackai.redemptions.external_transaction_id IS 'id of the payment or voucher elsewhere; NULL: none';
COMMENT ON COLUMN trackai.redemptions.deleted_at IS 'when the offer was taken back; NULL: it stands';
COMMENT ON COLUMN trackai.redemptions.deleted_reason IS 'demoted: the tier is not held any more; reward_disabled; left; erased; NULL: it stands';
COMMENT ON COLUMN trackai.redemptions.reactivations IS 'how often the offer came back';
COMMENT ON COLUMN trackai.redemptions.created_at IS 'when the row was written';
COMMENT ON COLUMN trackai.redemptions.updated_at IS 'when it was last changed';
COMMENT ON COLUMN trackai.redemptions.ended_at IS 'when it was concluded, rejected or expired, which its age is counted from; NULL before';

CREATE TABLE trackai.commission_boost_redemptions (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    redemption_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    boost_status text COLLATE "C" NOT NULL CHECK (boost_status IN (
        'scheduled', 'active', 'expired', 'pending_info', 'pending_payout', 'paid', 'cancelled'
    )),
    scheduled_activation_date date NOT NULL,
    activated_at timestamptz,
    expires_at timestamptz,
    duration_days integer NOT NULL DEFAULT 30 CHECK (duration_days BETWEEN 1 AND 365),
    boost_rate numeric(5, 2) NOT NULL CHECK (boost_rate > 0 AND boost_rate <= 100),
    tier_commission_rate numeric(5, 2),
    currency text COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency !~ '[^A-Z]'),
    minor_units smallint NOT NULL CHECK (minor_units BETWEEN 0 AND 4),
    sales_at_activation numeric(18, 4),
    sales_at_expiration numeric(18, 4),
    sales_delta numeric(18, 4) GENERATED ALWAYS AS (greatest(0, sales_at_expiration - sales_at_activation)) STORED,
    calculated_commission numeric(18, 4),
    admin_adjusted_commission numeric(18, 4) CHECK (admin_adjusted_commission >= 0),
    final_payout_amount numeric(18, 4),
    payment_method text COLLATE "C",
    payment_account_ref text COLLATE "C",
    payment_info_collected_at timestamptz,
    payment_info_confirmed boolean NOT NULL DEFAULT false,
    payout_sent_at timestamptz,
    payout_sent_by text,
    payout_notes text,
    ledger_upto bigint,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT boosts_once_a_redemption UNIQUE (tenant_id, redemption_id),
    FOREIGN KEY (tenant_id, redemption_id) REFERENCES trackai.redemptions (tenant_id, id),
    CONSTRAINT paid_boosts_have_an_amount CHECK (
        (boost_status = 'paid') = (payout_sent_at IS NOT NULL AND final_payout_amount IS NOT NULL)
    )
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX boosts_one_at_a_time ON trackai.commission_boost_redemptions (tenant_id, user_id)
    WHERE boost_status IN ('scheduled', 'active');
CREATE INDEX boosts_by_status ON trackai.commission_boost_redemptions (tenant_id, boost_status);
CREATE INDEX boosts_by_day ON trackai.commission_boost_redemptions USING brin (ended_at);
CREATE INDEX boosts_by_user ON trackai.commission_boost_redemptions (tenant_id, user_id);
COMMENT ON TABLE trackai.commission_boost_redemptions IS 'Boosts of the commission: their days, what was sold in them, and the payout.';
COMMENT ON COLUMN trackai.commission_boost_redemptions.tenant_id IS 'whose reward it is';
COMMENT ON COLUMN trackai.commission_boost_redemptions.id IS 'number of the boost, generated';
COMMENT ON COLUMN trackai.commission_boost_redemptions.redemption_id IS 'the claim (redemptions.id)';
COMMENT ON COLUMN trackai.commission_boost_redemptions.user_id IS 'the creator';
COMMENT ON COLUMN trackai.commission_boost_redemptions.boost_status IS 'scheduled -> active -> expired -> pending_info -> pending_payout -> paid; scheduled -> cancelled';
COMMENT ON COLUMN trackai.commission_boost_redemptions.scheduled_activation_date IS 'first local day of the boost';
COMMENT ON COLUMN trackai.commission_boost_redemptions.activated_at IS 'first instant of that day; NULL before it is active';
COMMENT ON COLUMN trackai.commission_boost_redemptions.expires_at IS 'first instant of the day after the last one; NULL before it is active';
COMMENT ON COLUMN trackai.commission_boost_redemptions.duration_days IS 'how many days it lasts';
COMMENT ON COLUMN trackai.commission_boost_redemptions.boost_rate IS 'percent of the sales of its days that are paid';
COMMENT ON COLUMN trackai.commission_boost_redemptions.tier_commission_rate IS 'percent that the tier has without a boost, when it was claimed; NULL where the tier has none';
COMMENT ON COLUMN trackai.commission_boost_redemptions.currency IS 'currency of the sales and the payout: the program''s when it was claimed';
COMMENT ON COLUMN trackai.commission_boost_redemptions.minor_units IS 'decimals of the currency, which a payout is rounded to';
COMMENT ON COLUMN trackai.commission_boost_redemptions.sales_at_activation IS 'ledger of the creator before its first day; NULL before it is active';
COMMENT ON COLUMN trackai.commission_boost_redemptions.sales_at_expiration IS 'ledger of the creator before the day after its last; NULL before it has expired';
COMMENT ON COLUMN trackai.commission_boost_redemptions.sales_delta IS 'sales of its days, at least 0';
COMMENT ON COLUMN trackai.commission_boost_redemptions.calculated_commission IS 'boost_rate of sales_delta, in minor units of the currency; NULL before it has expired';
COMMENT ON COLUMN trackai.commission_boost_redemptions.admin_adjusted_commission IS 'what is to be paid instead; NULL: what was calculated';
COMMENT ON COLUMN trackai.commission_boost_redemptions.final_payout_amount IS 'what was paid; NULL before';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payment_method IS 'how it is paid, as the app calls it; NULL where it is not known yet';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payment_account_ref IS 'the app''s id of the account that is paid; NULL: not known, or the creator was erased';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payment_info_collected_at IS 'when the account became known; NULL before';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payment_info_confirmed IS 'whether the creator confirmed the account';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payout_sent_at IS 'when it was paid; NULL before';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payout_sent_by IS 'login of who paid it; NULL before';
COMMENT ON COLUMN trackai.commission_boost_redemptions.payout_notes IS 'what was said about the payout; NULL: nothing, or the creator was erased';
COMMENT ON COLUMN trackai.commission_boost_redemptions.ledger_upto IS 'posting up to which the ledger was read for both sums; NULL before it is active';
COMMENT ON COLUMN trackai.commission_boost_redemptions.ended_at IS 'when its redemption ended (redemptions.ended_at); NULL before';
COMMENT ON COLUMN trackai.commission_boost_redemptions.created_at IS 'when it was claimed';
COMMENT ON COLUMN trackai.commission_boost_redemptions.updated_at IS 'when it was last changed';

CREATE TABLE trackai.commission_boost_state_history (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    boost_redemption_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    transitioned_at timestamptz NOT NULL,
    from_status text COLLATE "C",
    to_status text COLLATE "C" NOT NULL,
    effective_on date NOT NULL,
    transitioned_by text,
    transition_type text COLLATE "C" NOT NULL CHECK (transition_type IN ('manual', 'schedule', 'api')),
    notes text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, boost_redemption_id, transitioned_at, id)
) PARTITION BY RANGE (transitioned_at);
COMMENT ON TABLE trackai.commission_boost_state_history IS 'Each change of a boost''s status, inserted by the statement that makes it.';
COMMENT ON COLUMN trackai.commission_boost_state_history.tenant_id IS 'whose boost it is';
COMMENT ON COLUMN trackai.commission_boost_state_history.id IS 'number of the transition, generated';
COMMENT ON COLUMN trackai.commission_boost_state_history.boost_redemption_id IS 'the boost (commission_boost_redemptions.id)';
COMMENT ON COLUMN trackai.commission_boost_state_history.user_id IS 'the creator';
COMMENT ON COLUMN trackai.commission_boost_state_history.transitioned_at IS 'when the status was changed';
COMMENT ON COLUMN trackai.commission_boost_state_history.from_status IS 'status before; NULL for a new boost';
COMMENT ON COLUMN trackai.commission_boost_state_history.to_status IS 'status after';
COMMENT ON COLUMN trackai.commission_boost_state_history.effective_on IS 'local day from which it holds, however late it was made';
COMMENT ON COLUMN trackai.commission_boost_state_history.transitioned_by IS 'login of who changed it; NULL: the evaluation, or the creator''s claim';
COMMENT ON COLUMN trackai.commission_boost_state_history.transition_type IS 'manual: by a command; schedule: by the evaluation of a day; api: by a claim';
COMMENT ON COLUMN trackai.commission_boost_state_history.notes IS 'why; NULL: nothing was said, or the creator was erased';
COMMENT ON COLUMN trackai.commission_boost_state_history.metadata IS 'figures that belong to the transition';
COMMENT ON COLUMN trackai.commission_boost_state_history.created_at IS 'when the row was written';

CREATE TABLE trackai.physical_gift_redemptions (
    tenant_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    redemption_id bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    requires_size boolean NOT NULL DEFAULT false,
    size_category text COLLATE "C" CHECK (size_category IN ('clothing', 'shoes')),
    size_value text,
    size_submitted_at timestamptz,
    shipping_ref text COLLATE "C",
    shipping_info_submitted_at timestamptz,
    carrier text,
    tracking_number text COLLATE "C",
    shipped_at timestamptz,
    delivered_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT gifts_once_a_redemption UNIQUE (tenant_id, redemption_id),
    FOREIGN KEY (tenant_id, redemption_id) REFERENCES trackai.redemptions (tenant_id, id),
    CONSTRAINT sizes_have_a_category CHECK (NOT requires_size OR size_category IS NOT NULL)
);
CREATE INDEX gifts_by_day ON trackai.physical_gift_redemptions USING brin (ended_at);
CREATE INDEX gifts_by_user ON trackai.physical_gift_redemptions (tenant_id, user_id);
COMMENT ON TABLE trackai.physical_gift_redemptions IS 'Gifts that are sent: size, and where the parcel is. Addresses stay with the app.';
COMMENT ON COLUMN trackai.physical_gift_redemptions.tenant_id IS 'whose reward it is';
COMMENT ON COLUMN trackai.physical_gift_redemptions.id IS 'number of the gift, generated';
COMMENT ON COLUMN trackai.physical_gift_redemptions.redemption_id IS 'the claim (redemptions.id)';
COMMENT ON COLUMN trackai.physical_gift_redemptions.user_id IS 'the creator';
COMMENT ON COLUMN trackai.physical_gift_redemptions.requires_size IS 'whether it comes in sizes';
COMMENT ON COLUMN trackai.physical_gift_redemptions.size_category IS 'clothing or shoes; NULL: no size';
COMMENT ON COLUMN trackai.physical_gift_redemptions.size_value IS 'size that the creator gave; NULL: none, or the creator was erased';
COMMENT ON COLUMN trackai.physical_gift_redemptions.size_submitted_at IS 'when the size was given; NULL before';
COMMENT ON COLUMN trackai.physical_gift_redemptions.shipping_ref IS 'the app''s id of the address; NULL: not known, or the creator was erased';
COMMENT ON COLUMN trackai.physical_gift_redemptions.shipping_info_submitted_at IS 'when the address was given to the app; NULL before';
COMMENT ON COLUMN trackai.physical_gift_redemptions.carrier IS 'who carries the parcel; NULL before it is shipped';
COMMENT ON COLUMN trackai.physical_gift_redemptions.tracking_number IS 'the carrier''s number; NULL: none, or the creator was erased';
COMMENT ON COLUMN trackai.physical_gift_redemptions.shipped_at IS 'when it was shipped; NULL before';
COMMENT ON COLUMN trackai.physical_gift_redemptions.delivered_at IS 'when it was delivered; NULL before';
COMMENT ON COLUMN trackai.physical_gift_redemptions.ended_at IS 'when its redemption ended (redemptions.ended_at); NULL before';
COMMENT ON COLUMN trackai.physical_gift_redemptions.created_at IS 'when it was claimed';
COMMENT ON COLUMN trackai.physical_gift_redemptions.updated_at IS 'when it was last changed';

-- Raffles ------------------------------------------------------------------------------------------------------------

CREATE TABLE trackai.raffle_draws (
    tenant_id text COLLATE "C" NOT NULL,
    mission_id text COLLATE "C" NOT NULL,
    seed_commitment text COLLATE "C" NOT NULL CHECK (seed_commitment ~ '^[0-9a-f]{64}$'),
    committed_at timestamptz NOT NULL,
    entropy_source text,
    entries_digest text COLLATE "C" CHECK (entries_digest ~ '^[0-9a-f]{64}$'),
    entries integer CHECK (entries >= 0),
    closed_at timestamptz,
    public_entropy text,
    seed text COLLATE "C" CHECK (seed ~ '^[0-9a-f]{64}$'),
    drawn_at timestamptz,
    drawn_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, mission_id),
    FOREIGN KEY (tenant_id, mission_id) REFERENCES trackai.missions (tenant_id, mission_id),
    CONSTRAINT closing_counts_entries CHECK (
        (closed_at IS NULL) = (entries_digest IS NULL) AND (closed_at IS NULL) = (entries IS NULL)
    ),
    CONSTRAINT drawing_reveals_the_seed CHECK ((drawn_at IS NULL) = (seed IS NULL)),
    CONSTRAINT raffles_close_before_they_are_drawn CHECK (drawn_at IS NULL OR closed_at IS NOT NULL)
);
COMMENT ON TABLE trackai.raffle_draws IS 'What a raffle publishes, in this order: the seed''s commitment, the digest of the entries, a public value, the seed.';
COMMENT ON COLUMN trackai.raffle_draws.tenant_id IS 'whose raffle it is';
COMMENT ON COLUMN trackai.raffle_draws.mission_id IS 'the raffle (missions.mission_id)';
COMMENT ON COLUMN trackai.raffle_draws.seed_commitment IS 'SHA-256 of the 32 bytes of the seed, 64 hex digits';
COMMENT ON COLUMN trackai.raffle_draws.committed_at IS 'when the raffle was opened';
COMMENT ON COLUMN trackai.raffle_draws.entropy_source IS 'public value of a moment after the end that the draw will use; NULL: none, so the draw is unwitnessed';
COMMENT ON COLUMN trackai.raffle_draws.entries_digest IS 'SHA-256 of the sorted user ids, a newline after each; NULL before it is closed';
COMMENT ON COLUMN trackai.raffle_draws.entries IS 'how many entered; NULL before it is closed';
COMMENT ON COLUMN trackai.raffle_draws.closed_at IS 'when it was closed; NULL before';
COMMENT ON COLUMN trackai.raffle_draws.public_entropy IS 'the public value; NULL before the draw, or unwitnessed: the operator, who knows the seed, could have chosen entrants';
COMMENT ON COLUMN trackai.raffle_draws.seed IS 'the seed, 64 hex digits; NULL before the draw';
COMMENT ON COLUMN trackai.raffle_draws.drawn_at IS 'when it was drawn; NULL before';
COMMENT ON COLUMN trackai.raffle_draws.drawn_by IS 'login of who drew it; NULL before';
COMMENT ON COLUMN trackai.raffle_draws.created_at IS 'when the row was written';
COMMENT ON COLUMN trackai.raffle_draws.updated_at IS 'when it was last changed';

CREATE TABLE trackai.raffle_participations (
    tenant_id text COLLATE "C" NOT NULL,
    mission_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    redemption_id bigint,
    participated_at timestamptz NOT NULL,
    score text COLLATE "C" CHECK (score ~ '^[0-9a-f]{64}$'),
    is_winner boolean,
    winner_selected_at timestamptz,
    selected_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, mission_id, user_id),
    FOREIGN KEY (tenant_id, mission_id) REFERENCES trackai.raffle_draws (tenant_id, mission_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES trackai.loyalty_members (tenant_id, user_id),
    FOREIGN KEY (tenant_id, redemption_id) REFERENCES trackai.redemptions (tenant_id, id)
        ON DELETE SET NULL (redemption_id),
    CONSTRAINT winners_are_selected_at_a_time CHECK ((is_winner IS NULL) = (winner_selected_at IS NULL))
);
CREATE INDEX raffle_participations_by_user ON trackai.raffle_participations (tenant_id, user_id);
CREATE INDEX raffle_participations_by_redemption ON trackai.raffle_participations (tenant_id, redemption_id)
    WHERE redemption_id IS NOT NULL;
COMMENT ON TABLE trackai.raffle_participations IS 'Who entered a raffle, and who won.';
COMMENT ON COLUMN trackai.raffle_participations.tenant_id IS 'whose raffle it is';
COMMENT ON COLUMN trackai.raffle_participations.mission_id IS 'the raffle (raffle_draws.mission_id)';
COMMENT ON COLUMN trackai.raffle_participations.user_id IS 'the creator';
COMMENT ON COLUMN trackai.raffle_participations.redemption_id IS 'the prize (redemptions.id); NULL: not drawn, not won, or the redemption left by its age';
COMMENT ON COLUMN trackai.raffle_participations.participated_at IS 'when the creator entered';
COMMENT ON COLUMN trackai.raffle_participations.score IS 'SHA-256 that the draw ranks by, 64 hex digits, the lowest win; NULL before the draw';
COMMENT ON COLUMN trackai.raffle_participations.is_winner IS 'whether the creator won; NULL before the draw';
COMMENT ON COLUMN trackai.raffle_participations.winner_selected_at IS 'when the draw was made; NULL before';
COMMENT ON COLUMN trackai.raffle_participations.selected_by IS 'login of who drew; NULL before';
COMMENT ON COLUMN trackai.raffle_participations.created_at IS 'when the row was written';
COMMENT ON COLUMN trackai.raffle_participations.updated_at IS 'when it was last changed';

CREATE FUNCTION trackai.raffle_score(
    the_seed text, the_tenant text, the_mission text, the_digest text, the_entropy text, the_user text
) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT encode(sha256(convert_to(
        concat_ws('|', the_seed, the_tenant, the_mission, the_digest, coalesce(the_entropy, ''), the_user), 'UTF8'
    )), 'hex');
END;
COMMENT ON FUNCTION trackai.raffle_score (text, text, text, text, text, text) IS 'The score of a creator in a draw, 64 hex digits: the lowest win. No public value counts as an empty one.';

-- What is on offer ---------------------------------------------------------------------------------------------------

-- One rule for the rewards page, claims and eager rows. It is a plain SELECT, so that what calls it reads one creator, or
-- one reward, by its key.
CREATE FUNCTION trackai.tier_offers(the_tenant text, the_day date)
RETURNS TABLE (
    user_id text, reward_id text, tier_id text, window_start date, creation text, cycle_key text, slots smallint,
    expiration_date date
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT m.user_id, r.reward_id, m.current_tier, m.window_start, r.creation, c.cycle_key, r.redemption_quantity,
           o.offered_on + r.expires_days
    FROM trackai.loyalty_members m
    JOIN trackai.rewards r ON r.tenant_id = m.tenant_id AND r.tier_eligibility = m.current_tier
    CROSS JOIN LATERAL (
        SELECT CASE r.redemption_frequency
                   WHEN 'one-time' THEN 'once'
                   WHEN 'checkpoint' THEN 'w:' || to_char(m.window_start::timestamp, 'YYYY-MM-DD')
                   WHEN 'monthly' THEN 'm:' || to_char(the_day::timestamp, 'YYYY-MM')
                   WHEN 'weekly' THEN 'i:' || to_char(the_day::timestamp, 'IYYY-"W"IW')
                   ELSE 'c:'
               END COLLATE "C" AS cycle_key,
               CASE r.redemption_frequency
                   WHEN 'checkpoint' THEN m.window_start
                   WHEN 'monthly' THEN date_trunc('month', the_day::timestamp)::date
                   WHEN 'weekly' THEN date_trunc('week', the_day::timestamp)::date
               END AS first_day
    ) c
    CROSS JOIN LATERAL (
        -- An offer that lapses begins with its cycle, with the reward, or with the tier, whichever comes last.
        SELECT CASE WHEN r.expires_days IS NOT NULL THEN greatest(r.starts_on, c.first_day, (
            SELECT max(t.checkpoint_date)
            FROM trackai.tier_checkpoints t
            WHERE t.tenant_id = m.tenant_id AND t.user_id = m.user_id AND t.checkpoint_date <= the_day
              AND t.tier_before IS DISTINCT FROM t.tier_after
        )) END AS offered_on
    ) o
    WHERE m.tenant_id = the_tenant AND m.enrolled_on <= the_day AND (m.left_on IS NULL OR m.left_on > the_day)
      AND r.enabled AND r.reward_source = 'vip_tier'
      AND (r.starts_on IS NULL OR r.starts_on <= the_day) AND (r.ends_on IS NULL OR the_day < r.ends_on)
      AND (r.expires_days IS NULL OR the_day < o.offered_on + r.expires_days);
END;
COMMENT ON FUNCTION trackai.tier_offers (text, date) IS 'Rewards that a tenant''s creators can claim on a local day for holding their tier, whether or not they claimed them: with the cycle, how many claims it has, and the day on which the offer has lapsed.';

CREATE FUNCTION trackai.mission_offers(the_tenant text, the_day date)
RETURNS TABLE (
    user_id text, reward_id text, mission_id text, tier_id text, checkpoint_start date, cycle_key text,
    expiration_date date
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.user_id, i.reward_id, p.mission_id, m.current_tier, p.checkpoint_start,
           ('x:' || p.mission_id || ':' || to_char(p.checkpoint_start::timestamp, 'YYYY-MM-DD')) COLLATE "C",
           p.completed_on + r.expires_days
    FROM trackai.mission_progress p
    JOIN trackai.loyalty_members m ON m.tenant_id = p.tenant_id AND m.user_id = p.user_id
    JOIN trackai.missions i ON i.tenant_id = p.tenant_id AND i.mission_id = p.mission_id
    JOIN trackai.rewards r ON r.tenant_id = i.tenant_id AND r.reward_id = i.reward_id
    WHERE p.tenant_id = the_tenant AND p.status = 'completed'
      AND m.enrolled_on <= the_day AND (m.left_on IS NULL OR m.left_on > the_day)
      AND i.enabled AND (i.tier_eligibility = 'all' OR i.tier_eligibility = m.current_tier)
      AND r.enabled AND (r.starts_on IS NULL OR r.starts_on <= the_day) AND (r.ends_on IS NULL OR the_day < r.ends_on)
      AND (r.expires_days IS NULL OR the_day < p.completed_on + r.expires_days);
END;
COMMENT ON FUNCTION trackai.mission_offers (text, date) IS 'Rewards that a tenant''s creators can claim on a local day for missions that they completed, whether or not they claimed them.';

CREATE FUNCTION trackai.rewards_on_offer(the_tenant text, the_day date)
RETURNS TABLE (
    user_id text, reward_id text, mission_id text, checkpoint_start date, cycle_key text, claims_left integer,
    expiration_date date, availability text
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.user_id, o.reward_id, NULL::text, o.window_start, o.cycle_key, (o.slots - d.taken)::integer,
           o.expiration_date, CASE WHEN r.stock_taken >= r.stock_total THEN 'sold_out' ELSE 'claimable' END
    FROM trackai.tier_offers(the_tenant, the_day) o
    JOIN trackai.rewards r ON r.tenant_id = the_tenant AND r.reward_id = o.reward_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken
        FROM trackai.redemptions d
        WHERE d.tenant_id = the_tenant AND d.user_id = o.user_id AND d.reward_id = o.reward_id
          AND d.cycle_key = o.cycle_key AND d.slot IS NOT NULL
          AND (d.status <> 'claimable' OR d.deleted_at IS NOT NULL)
    ) d
    WHERE o.slots IS NULL OR d.taken < o.slots
    UNION ALL
    SELECT o.user_id, o.reward_id, o.mission_id, o.checkpoint_start, o.cycle_key, 1,
           o.expiration_date, CASE WHEN r.stock_taken >= r.stock_total THEN 'sold_out' ELSE 'claimable' END
    FROM trackai.mission_offers(the_tenant, the_day) o
    JOIN trackai.rewards r ON r.tenant_id = the_tenant AND r.reward_id = o.reward_id
    WHERE NOT EXISTS (
        SELECT FROM trackai.redemptions d
        WHERE d.tenant_id = the_tenant AND d.user_id = o.user_id AND d.reward_id = o.reward_id
          AND d.cycle_key = o.cycle_key AND d.slot IS NOT NULL
    )
    UNION ALL
    SELECT m.user_id, r.reward_id, NULL::text, NULL::date, NULL::text, 0, NULL::date, 'preview'
    FROM trackai.loyalty_members m
    JOIN trackai.rewards r ON r.tenant_id = m.tenant_id AND r.tier_eligibility <> m.current_tier
    CROSS JOIN LATERAL (
        SELECT t.tier_order
        FROM trackai.tiers t
        WHERE t.tenant_id = the_tenant AND t.tier_id = m.current_tier AND t.valid_from <= the_day
        ORDER BY t.valid_from DESC
        LIMIT 1
    ) held
    CROSS JOIN LATERAL (
        SELECT t.tier_order
        FROM trackai.tiers t
        WHERE t.tenant_id = the_tenant AND t.tier_id = r.preview_from_tier AND t.valid_from <= the_day
        ORDER BY t.valid_from DESC
        LIMIT 1
    ) shown
    CROSS JOIN LATERAL (
        SELECT t.tier_order
        FROM trackai.tiers t
        WHERE t.tenant_id = the_tenant AND t.tier_id = r.tier_eligibility AND t.valid_from <= the_day
        ORDER BY t.valid_from DESC
        LIMIT 1
    ) granted
    WHERE m.tenant_id = the_tenant AND m.enrolled_on <= the_day AND (m.left_on IS NULL OR m.left_on > the_day)
      AND r.enabled AND r.reward_source = 'vip_tier'
      AND held.tier_order >= shown.tier_order AND held.tier_order < granted.tier_order
      AND (r.ends_on IS NULL OR the_day < r.ends_on);
END;
COMMENT ON FUNCTION trackai.rewards_on_offer (text, date) IS 'The rewards page of a tenant''s creators on a local day: what they can still claim, what is sold out, and what a higher tier would get (preview).';

CREATE VIEW trackai.available_rewards AS
SELECT p.tenant_id, o.user_id, o.reward_id, r.name, r.type, o.mission_id, o.checkpoint_start, o.cycle_key, o.claims_left,
       r.stock_total - r.stock_taken AS stock_left, o.expiration_date, o.availability, r.display_order
FROM (
    SELECT DISTINCT ON (p.tenant_id) p.tenant_id, p.status, d.day
    FROM trackai.loyalty_programs p
    CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE p.time_zone)::date AS day) d
    WHERE p.valid_from <= d.day
    ORDER BY p.tenant_id, p.valid_from DESC
) p
CROSS JOIN LATERAL trackai.rewards_on_offer(p.tenant_id, p.day) o
JOIN trackai.rewards r ON r.tenant_id = p.tenant_id AND r.reward_id = o.reward_id
WHERE p.status = 'active';
COMMENT ON VIEW trackai.available_rewards IS 'What creators can claim today, in the local day of their program.';
COMMENT ON COLUMN trackai.available_rewards.tenant_id IS 'whose reward it is';
COMMENT ON COLUMN trackai.available_rewards.user_id IS 'the creator';
COMMENT ON COLUMN trackai.available_rewards.reward_id IS 'the reward (rewards.reward_id)';
COMMENT ON COLUMN trackai.available_rewards.name IS 'what creators read';
COMMENT ON COLUMN trackai.available_rewards.type IS 'kind of reward (rewards.type)';
COMMENT ON COLUMN trackai.available_rewards.mission_id IS 'mission that was completed for it (missions.mission_id); NULL: it is for the tier';
COMMENT ON COLUMN trackai.available_rewards.checkpoint_start IS 'first day of the window of the creator, or of the mission; NULL in a preview';
COMMENT ON COLUMN trackai.available_rewards.cycle_key IS 'what it can be claimed once for (redemptions.cycle_key); NULL in a preview';
COMMENT ON COLUMN trackai.available_rewards.claims_left IS 'claims that are left in the cycle; NULL: any number';
COMMENT ON COLUMN trackai.available_rewards.stock_left IS 'how many are left; NULL: any number';
COMMENT ON COLUMN trackai.available_rewards.expiration_date IS 'first local day on which the offer has lapsed; NULL: it does not';
COMMENT ON COLUMN trackai.available_rewards.availability IS 'claimable, sold_out, or preview: of a higher tier';
COMMENT ON COLUMN trackai.available_rewards.display_order IS 'place on the rewards page, low first';

-- What boosts sold ---------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.boost_sales(
    the_tenant text, the_user text, the_currency text, first_day date, end_day date, upto bigint
)
RETURNS TABLE (at_activation numeric, at_expiration numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(e.amount) FILTER (WHERE e.sale_day < first_day), 0), coalesce(sum(e.amount), 0)
    FROM trackai.sales_ledger e
    WHERE e.tenant_id = the_tenant AND e.user_id = the_user AND e.sale_day < end_day AND e.currency = the_currency
      AND (upto IS NULL OR e.posting_no <= upto);
END;
COMMENT ON FUNCTION trackai.boost_sales (text, text, text, date, date, bigint) IS 'The ledger of a creator in a currency before the first day of a boost, and before the day after its last, by the postings up to one (NULL: all).';

CREATE FUNCTION trackai.boost_commission(sales numeric, rate numeric, minor_units integer) RETURNS numeric
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    -- Half away from zero.
    SELECT round(greatest(0, sales) * rate / 100, minor_units);
END;
COMMENT ON FUNCTION trackai.boost_commission (numeric, numeric, integer) IS 'A percentage of sales in minor units of the currency, half of one away from zero; of negative sales 0.';

CREATE VIEW trackai.boost_differences AS
SELECT b.tenant_id, b.id AS boost_id, b.user_id, b.currency, b.sales_delta, n.sales_delta AS sales_delta_now,
       b.calculated_commission, c.commission AS commission_now, b.final_payout_amount,
       c.commission - b.calculated_commission AS difference
FROM trackai.commission_boost_redemptions b
CROSS JOIN LATERAL (
    SELECT s.at_expiration - s.at_activation AS sales_delta
    FROM trackai.boost_sales(
        b.tenant_id, b.user_id, b.currency, b.scheduled_activation_date, b.scheduled_activation_date + b.duration_days,
        NULL
    ) s
) n
CROSS JOIN LATERAL (SELECT trackai.boost_commission(n.sales_delta, b.boost_rate, b.minor_units) AS commission) c
WHERE b.boost_status = 'paid' AND c.commission <> b.calculated_commission;
COMMENT ON VIEW trackai.boost_differences IS 'Boosts that were paid, and whose days have other sales by now.';
COMMENT ON COLUMN trackai.boost_differences.tenant_id IS 'whose reward it is';
COMMENT ON COLUMN trackai.boost_differences.boost_id IS 'the boost (commission_boost_redemptions.id)';
COMMENT ON COLUMN trackai.boost_differences.user_id IS 'the creator';
COMMENT ON COLUMN trackai.boost_differences.currency IS 'currency of the amounts';
COMMENT ON COLUMN trackai.boost_differences.sales_delta IS 'sales of its days that were paid for';
COMMENT ON COLUMN trackai.boost_differences.sales_delta_now IS 'sales of its days as the ledger has them now';
COMMENT ON COLUMN trackai.boost_differences.calculated_commission IS 'commission when it was paid';
COMMENT ON COLUMN trackai.boost_differences.commission_now IS 'commission by the ledger now';
COMMENT ON COLUMN trackai.boost_differences.final_payout_amount IS 'what was paid';
COMMENT ON COLUMN trackai.boost_differences.difference IS 'what is missing, or negative: was too much, before adjustments by hand';

INSERT INTO trackai.retention_policies (table_name, keep, action) VALUES
('mission_progress', '730 days', 'archive_then_drop'),
('redemptions', '1095 days', 'archive_then_drop'),
('commission_boost_redemptions', '1095 days', 'archive_then_drop'),
('physical_gift_redemptions', '1095 days', 'archive_then_drop'),
('commission_boost_state_history', '730 days', 'archive_then_drop');
