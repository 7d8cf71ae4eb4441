"""Stories of single sales: who clicked when, what the sale carries, and which attribution must come of it.

What belongs here: one function for each situation that matching has to get right, with the answer it was built
for. What does not: files and payloads. Every story draws keys of its own, so stories cannot touch one another.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from trackai_pipelines.sample_data.gate_changes import SaleSettings
from trackai_pipelines.sample_data.world import DAY_MS, SampleTenant, moment

Row = dict[str, Any]

_SECOND_MS = 1_000
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
# A click may be this much later than its sale, because clocks differ.
_SKEW_MS = 5 * _MINUTE_MS

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0"
_USER_AGENTS = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) {_WEBKIT} Mobile/15E148",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_BLINK} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14; SM-A556E) {_BLINK} Mobile Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.4 Safari/605.1.15",
)
_PLACEMENTS = ("facebook", "facebook", "instagram", "instagram", "audience_network")
_ADS = ("video_depoimento_v2", "carousel_benefits", "static_offer_a", "static_offer_b", "ugc_15s")
_AD_SETS = ("broad_25_44", "interest_stack", "lal_1pc", "lal_3pc", "retargeting")

# What trackers write when they have nothing to say.
_MALFORMED_FBC = (
    "undefined",
    "null",
    "[object Object]",
    "fb.1.now.AbC",
    "fb.3.1700000000000.AbC",
    "fb.1.1700000000000",
)
_MALFORMED_FBP = ("undefined", "fb.1.1700000000000.none", "GA1.1.1700000000.17", "fb.9.1700000000000.12345")


@dataclass(slots=True)
class Scene:
    """Where a story takes place: a sale of a tenant at a moment, in milliseconds since 1970.

    `settings` are those of the sale. `margin_ms` is how exact the carrier's time of the sale is: clicks keep that
    distance from the window's edges. `twin` is another tenant. Nothing is known of what happens after `end_at`.
    """

    rng: Random
    tenant: SampleTenant
    settings: SaleSettings
    sold_at: int
    margin_ms: int
    end_at: int
    twin: SampleTenant

    @property
    def lookback_ms(self) -> int:
        """The window of the sale."""
        return self.settings.lookback_days * DAY_MS

    def before_sale(self) -> int:
        """A moment inside the window: mostly within the hour, sometimes days before."""
        draw = self.rng.random()
        if draw < 0.7:
            lag = min(self.rng.expovariate(1 / (25 * _MINUTE_MS)), 6 * _HOUR_MS)
        elif draw < 0.95:
            lag = self.rng.uniform(_HOUR_MS, 3 * DAY_MS)
        else:
            lag = self.rng.uniform(3 * DAY_MS, 0.9 * self.lookback_ms)
        return self.sold_at - self.margin_ms - 20 * _SECOND_MS - int(lag)

    def before_window(self) -> int:
        """A moment that is too long ago."""
        hours = self.rng.uniform(1, 72)
        return self.sold_at - self.lookback_ms - self.margin_ms - int(hours * _HOUR_MS)

    def after_sale(self) -> int:
        """A moment after the sale that is still inside the window."""
        return self.sold_at + self.rng.randrange(min(_SKEW_MS, self.end_at - self.sold_at) + 1)

    def after_window(self) -> int:
        """A moment soon after the sale, but not soon enough."""
        minutes = self.rng.uniform(1, 90)
        return self.sold_at + _SKEW_MS + self.margin_ms + int(minutes * _MINUTE_MS)


@dataclass(slots=True)
class Story:
    """A sale's keys, the facts around it, and the answer: strategy and the winning click's external id."""

    strategy: str
    winner: str | None = None
    fbclid: str | None = None
    fbc: str | None = None
    fbp: str | None = None
    clicks: list[Row] = field(default_factory=list)
    # In a second delivery.
    late_clicks: list[Row] = field(default_factory=list)
    # Clicks of the other tenant.
    foreign_clicks: list[Row] = field(default_factory=list)
    # The click whose visitor left an e-mail address.
    known_at: Row | None = None
    # The checkout says nothing of the buyer: such a sale counts, and cannot be delivered.
    unknown_buyer: bool = False


def new_fbclid(rng: Random) -> str:
    """A click id as Meta appends it to landing URLs."""
    return "IwZXh0bgNhZW0" + urlsafe_b64encode(rng.randbytes(36)).decode()


def new_fbc(rng: Random, at_ms: int, fbclid: str) -> str:
    """The cookie written when the visitor landed."""
    return f"fb.{1 if rng.random() < 0.97 else 2}.{at_ms}.{fbclid}"


def new_fbp(rng: Random, at_ms: int) -> str:
    """The cookie that names a browser since its first visit."""
    return f"fb.1.{at_ms - rng.randrange(30 * DAY_MS)}.{rng.getrandbits(31)}"


def new_ip(rng: Random) -> str:
    """An address of the ranges kept for examples."""
    number = rng.getrandbits(32)
    if number % 8 == 0:
        return f"2001:db8:{number >> 16:x}::{number % 65_521:x}"
    return f"{('198.51.100', '203.0.113', '192.0.2')[number % 3]}.{(number >> 8) % 254 + 1}"


def new_user_agent(rng: Random) -> str:
    """A common browser."""
    return _USER_AGENTS[int(rng.random() * len(_USER_AGENTS))]


def click(rng: Random, tenant: SampleTenant, at_ms: int, *, fbclid: str, fbp: str) -> Row:
    """A row for `clicks`: most trackers report the URL's click id, some the cookie too, a few the cookie alone."""
    draw = rng.random()
    return {
        "tenant": tenant.slug,
        "external_id": f"clk_{rng.getrandbits(80):020x}",
        "fbclid": None if draw < 0.05 else fbclid,
        "fbc": new_fbc(rng, at_ms, fbclid) if draw < 0.4 else ("undefined" if draw > 0.99 else None),
        "fbp": fbp,
        "utm_source": _PLACEMENTS[int(draw * 1000) % 5],
        "utm_medium": "paid_social",
        "utm_campaign": tenant.campaigns[int(draw * 10_000) % len(tenant.campaigns)],
        "utm_content": _ADS[int(draw * 100_000) % 5],
        "utm_term": _AD_SETS[int(draw * 1_000_000) % 5],
        "ip": new_ip(rng),
        "user_agent": new_user_agent(rng),
        "created_at": moment(at_ms).isoformat(timespec="milliseconds"),
    }


def idle_click(rng: Random, tenant: SampleTenant, at_ms: int) -> Row:
    """A click of a visitor who does not buy."""
    return click(rng, tenant, at_ms, fbclid=new_fbclid(rng), fbp=new_fbp(rng, at_ms))


def _visit(scene: Scene, at_ms: int, **keys: str) -> tuple[Row, str, str, str]:
    """A click and its fbclid, fbc cookie and fbp cookie; `keys` are those that the visitor has already."""
    rng = scene.rng
    fbclid = keys.get("fbclid") or new_fbclid(rng)
    fbp = keys.get("fbp") or new_fbp(rng, at_ms)
    return click(rng, scene.tenant, at_ms, fbclid=fbclid, fbp=fbp), fbclid, new_fbc(rng, at_ms, fbclid), fbp


def _fbc(scene: Scene) -> Story:
    row, _, fbc, fbp = _visit(scene, scene.before_sale())
    return Story("fbc", row["external_id"], fbc=fbc, fbp=fbp, clicks=[row], known_at=row)


def _fbc_fbclid_only(scene: Scene) -> Story:
    row, fbclid, _, _ = _visit(scene, scene.before_sale())
    return Story("fbc", row["external_id"], fbclid=fbclid, clicks=[row])


def _fbc_newest_of_several(scene: Scene) -> Story:
    """The landing page was loaded again: the newest click inside the window wins, not the one after it."""
    newest_at = scene.before_sale()
    newest, fbclid, fbc, fbp = _visit(scene, newest_at)
    older = [newest_at - n * scene.rng.randrange(_SECOND_MS, 2 * _HOUR_MS) for n in range(1, 3)]
    others = [*older, scene.after_window()]
    clicks = [newest, *(_visit(scene, at, fbclid=fbclid, fbp=fbp)[0] for at in others)]
    scene.rng.shuffle(clicks)
    return Story("fbc", newest["external_id"], fbc=fbc, fbp=fbp, clicks=clicks)


def _fbc_appendix(scene: Scene) -> Story:
    """Meta's parameter builder adds a fifth segment."""
    row, _, fbc, fbp = _visit(scene, scene.before_sale())
    return Story("fbc", row["external_id"], fbc=f"{fbc}.AQYBAQIA", fbp=fbp, clicks=[row])


def _fbc_padded(scene: Scene) -> Story:
    row, _, fbc, fbp = _visit(scene, scene.before_sale())
    return Story("fbc", row["external_id"], fbc=f"  {fbc}\t", fbp=f" {fbp} ", clicks=[row])


def _fbc_click_after_sale(scene: Scene) -> Story:
    """The click's clock is ahead, by no more than is forgiven."""
    row, _, fbc, fbp = _visit(scene, scene.after_sale())
    return Story("fbc", row["external_id"], fbc=fbc, fbp=fbp, clicks=[row])


def _fbc_late_click(scene: Scene) -> Story:
    row, _, fbc, fbp = _visit(scene, scene.before_sale())
    return Story("fbc", row["external_id"], fbc=fbc, fbp=fbp, late_clicks=[row])


def _fbp(scene: Scene) -> Story:
    row, _, _, fbp = _visit(scene, scene.before_sale())
    return Story("fbp", row["external_id"], fbp=fbp, clicks=[row], known_at=row)


def _fbp_beside_unknown_fbc(scene: Scene) -> Story:
    """The sale's own click was never reported; an earlier one of the same browser was."""
    row, _, _, fbp = _visit(scene, scene.before_sale())
    lost = new_fbc(scene.rng, scene.sold_at - _HOUR_MS, new_fbclid(scene.rng))
    return Story("fbp", row["external_id"], fbc=lost, fbp=fbp, clicks=[row])


def _fbp_beside_malformed_fbc(scene: Scene) -> Story:
    row, _, _, fbp = _visit(scene, scene.before_sale())
    return Story("fbp", row["external_id"], fbc=scene.rng.choice(_MALFORMED_FBC), fbp=fbp, clicks=[row])


def _fbp_beside_expired_click(scene: Scene) -> Story:
    """The cookie is of a click before the window, the browser was back inside it."""
    expired, _, fbc, fbp = _visit(scene, scene.before_window())
    back = _visit(scene, scene.before_sale(), fbp=fbp)[0]
    return Story("fbp", back["external_id"], fbc=fbc, fbp=fbp, clicks=[expired, back])


def _fbp_newest_of_several(scene: Scene) -> Story:
    """A browser with several ad clicks, one of them after the sale."""
    newest_at = scene.before_sale()
    newest, _, _, fbp = _visit(scene, newest_at)
    older = newest_at - scene.rng.randrange(_SECOND_MS, DAY_MS)
    clicks = [newest, *(_visit(scene, at, fbp=fbp)[0] for at in (older, scene.after_window()))]
    scene.rng.shuffle(clicks)
    return Story("fbp", newest["external_id"], fbp=fbp, clicks=clicks)


def _fbp_late_click(scene: Scene) -> Story:
    row, _, _, fbp = _visit(scene, scene.before_sale())
    return Story("fbp", row["external_id"], fbp=fbp, late_clicks=[row])


def _email(scene: Scene) -> Story:
    """Clicked on the phone and left an address, bought on the computer."""
    row = _visit(scene, scene.before_sale())[0]
    matched = scene.settings.email_matching
    return Story("email" if matched else "unmatched", row["external_id"] if matched else None,
                 fbp=new_fbp(scene.rng, scene.sold_at), clicks=[row], known_at=row)  # fmt: skip


def _no_keys(scene: Scene) -> Story:
    return Story("unmatched")


def _unknown_buyer(scene: Scene) -> Story:
    """Entered by hand: there is neither a key nor an address of the buyer."""
    return Story("unmatched", unknown_buyer=True)


def _unknown_keys(scene: Scene) -> Story:
    rng = scene.rng
    return Story(
        "unmatched", fbc=new_fbc(rng, scene.sold_at - _HOUR_MS, new_fbclid(rng)), fbp=new_fbp(rng, scene.sold_at)
    )


def _expired_click(scene: Scene) -> Story:
    row, _, fbc, fbp = _visit(scene, scene.before_window())
    return Story("unmatched", fbc=fbc, fbp=fbp, clicks=[row], known_at=row)


def _after_sale(scene: Scene) -> Story:
    row, _, fbc, fbp = _visit(scene, scene.after_window())
    return Story("unmatched", fbc=fbc, fbp=fbp, clicks=[row])


def _malformed_keys(scene: Scene) -> Story:
    row, _, _, _ = _visit(scene, scene.before_sale())
    return Story("unmatched", fbc=scene.rng.choice(_MALFORMED_FBC), fbp=scene.rng.choice(_MALFORMED_FBP), clicks=[row])


def _other_case(scene: Scene) -> Story:
    """Somebody's tracker changed the letters' case: that is another click id."""
    at = scene.before_sale()
    row, fbclid, _, _ = _visit(scene, at)
    return Story("unmatched", fbc=new_fbc(scene.rng, at, fbclid.swapcase()), clicks=[row])


def _other_tenant(scene: Scene) -> Story:
    """The same keys, but the click belongs to another tenant."""
    rng, at = scene.rng, scene.before_sale()
    fbclid, fbp = new_fbclid(rng), new_fbp(rng, at)
    foreign = click(rng, scene.twin, at, fbclid=fbclid, fbp=fbp)
    return Story("unmatched", fbc=new_fbc(rng, at, fbclid), fbp=fbp, foreign_clicks=[foreign])


STORIES: Mapping[str, Callable[[Scene], Story]] = {
    "fbc": _fbc,
    "fbc_fbclid_only": _fbc_fbclid_only,
    "fbc_newest_of_several": _fbc_newest_of_several,
    "fbc_appendix": _fbc_appendix,
    "fbc_padded": _fbc_padded,
    "fbc_click_after_sale": _fbc_click_after_sale,
    "fbc_late_click": _fbc_late_click,
    "fbp": _fbp,
    "fbp_beside_unknown_fbc": _fbp_beside_unknown_fbc,
    "fbp_beside_malformed_fbc": _fbp_beside_malformed_fbc,
    "fbp_beside_expired_click": _fbp_beside_expired_click,
    "fbp_newest_of_several": _fbp_newest_of_several,
    "fbp_late_click": _fbp_late_click,
    "email": _email,
    "no_keys": _no_keys,
    "unknown_buyer": _unknown_buyer,
    "unknown_keys": _unknown_keys,
    "expired_click": _expired_click,
    "after_sale": _after_sale,
    "malformed_keys": _malformed_keys,
    "other_case": _other_case,
    "other_tenant": _other_tenant,
}

# A webhook carries cookies as they are, always knows the buyer, and has a less exact time: these stories are told
# as the plain ones.
PLAIN_IN_WEBHOOKS: Mapping[str, str] = {
    "fbc_fbclid_only": "fbc",
    "fbc_padded": "fbc",
    "fbc_click_after_sale": "fbc",
    "unknown_buyer": "no_keys",
}
