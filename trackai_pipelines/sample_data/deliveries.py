"""One tenant's days, played in order and written as its producers deliver them.

What belongs here: which fact goes to which file, how often it comes, and what is counted. What does not: the facts
(`stories`), payloads (`gateways`), encodings (`encodings`).

Memory is bounded by one day of one tenant: the moments of a day are drawn and sorted together, rows go straight to
their files. A click goes to the file of its own day, all of which stay open until the tenant is done.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

from trackai_pipelines.sample_data.bad_lines import cut_off, without_a_time
from trackai_pipelines.sample_data.encodings import LinesFile, OpenFiles
from trackai_pipelines.sample_data.gate_changes import GateChange, settings_at
from trackai_pipelines.sample_data.gateways import WEBHOOKS
from trackai_pipelines.sample_data.ground_truth import GroundTruth
from trackai_pipelines.sample_data.people import as_typed, person, phone_number
from trackai_pipelines.sample_data.refunds import money_back
from trackai_pipelines.sample_data.stories import (
    PLAIN_IN_WEBHOOKS,
    STORIES,
    Row,
    Scene,
    Story,
    idle_click,
    new_ip,
    new_user_agent,
)
from trackai_pipelines.sample_data.webhooks import Body, Payment
from trackai_pipelines.sample_data.world import DAY_MS, SampleTenant, Source, moment, moments_of_day

# Shares of deliveries that come once more: at once, and in a file of their own.
_AGAIN_AT_ONCE = 0.01
_AGAIN_LATER = 0.01
# Webhooks besides the paid ones: slips, refunds, sessions that expire.
_UNPAID = 0.08
# Paid sales that a gateway reports twice, where it does so.
_SECOND_EVENT = 0.1
# Visitors who leave an e-mail address on the landing page, and a phone number too.
_IDENTIFIED = 0.3
# Plain sales by click id that are sales by browser id instead: at most so many, another share each day.
_DRIFT = 0.06
# Sales at a tenth off.
_DISCOUNTED = 0.15
# Refunds that are delivered twice.
_REFUNDED_AGAIN = 0.1
# A gateway's panel exports one array. It has so many payloads at most, because an array has to fit into memory.
_ARRAY_PAYLOADS = 200

# Buyers who have an account of the app.
_REGISTERED = 0.25
# Users who changed their e-mail address, and users who have a second account with it.
_MOVED = 0.1
_TWICE = 0.05


@dataclass(slots=True)
class Deliveries:
    """What one tenant's producers write; `twin` is another tenant whose clicks turn up among its own.

    `suffixes` says how the tenant's own files of a day end. `of_day` and `of_tenant` are in the tenant's folder,
    `shared` in the landing folder.
    """

    tenant: SampleTenant
    twin: SampleTenant
    rng: Random
    # What is drawn for users and refunds changes nothing else.
    rng_of_users: Random
    rng_of_refunds: Random
    end_at: int
    calendar: list[date]
    suffixes: Mapping[date, str]
    # One kind of bad line after the other, without an end.
    bad_conversions: Iterator[Callable[[Row], bytes]]
    of_tenant: OpenFiles
    of_day: OpenFiles
    shared: OpenFiles
    answers: LinesFile
    truth: GroundTruth
    changes: Sequence[GateChange]
    # The first payloads of each gateway.
    arrays: dict[str, list[Row]] = field(default_factory=dict)

    def write(self, sales_of_days: list[int]) -> None:
        """Play the days of the calendar, with so many sales each."""
        self._list_campaigns()
        names = _in_proportion(self.rng, self.tenant.mix)
        for day, sales in zip(self.calendar, sales_of_days, strict=True):
            idle = round(sales * self.tenant.idle_clicks)
            for at in moments_of_day(self.rng, self.tenant, day, self.end_at, idle):
                self._deliver_click(idle_click(self.rng, self.tenant, at))
            drift = self.rng.uniform(0, _DRIFT)
            bad_line_due = True
            for at in moments_of_day(self.rng, self.tenant, day, self.end_at, sales):
                source, name = self._source(), next(names)
                if name == "fbc" and self.rng.random() < drift:
                    name = "fbp"
                if source.webhook:
                    self._sell_by_webhook(source.gateway, name, at, day)
                else:
                    row = self._sell_by_file(source.gateway, name, at, day)
                    bad_line_due = bad_line_due and not self._spoil(row, day)
            if day == self.calendar[0]:
                self._export_arrays(day)
            self.of_day.close()
        self.of_tenant.close()

    def _source(self) -> Source:
        sources = self.tenant.sources
        return self.rng.choices(sources, [source.share for source in sources])[0]

    def _told(self, name: str, sold_at: int, margin_ms: int) -> Story:
        settings = settings_at(self.tenant, sold_at, self.changes)
        scene = Scene(self.rng, self.tenant, settings, sold_at, margin_ms, self.end_at, self.twin)
        return STORIES[name](scene)

    def _sell_by_file(self, gateway: str, name: str, at: int, day: date) -> Row:
        rng, tenant = self.rng, self.tenant
        story = self._told(name, at, margin_ms=0)
        _, email = person(rng, tenant)
        order_id = f"{rng.getrandbits(48):013d}"
        event_id = f"{order_id}:purchase_approved" if gateway == "cakto" else order_id
        value = self._price()
        row = {
            "tenant": tenant.slug,
            "gateway": gateway,
            "gateway_event_id": event_id,
            "order_id": order_id,
            "event_name": "Purchase",
            "value": str(value),
            "currency": tenant.currency,
            "occurred_at": moment(at).isoformat(timespec="milliseconds"),
            "fbclid": story.fbclid,
            "fbc": story.fbc,
            "fbp": story.fbp,
            "email": as_typed(rng, email),
            "phone": phone_number(rng, tenant),
            "client_ip": new_ip(rng),
            "client_user_agent": new_user_agent(rng),
            "event_source_url": f"https://example.com/{tenant.slug}/thank-you",
        }
        if story.unknown_buyer:
            row |= dict.fromkeys(("email", "phone", "client_ip", "client_user_agent", "event_source_url"))
        else:
            self._register(email, at)
        file = self.of_day.rows(f"conversions_{day}{self.suffixes[day]}")
        file.write(row)
        if rng.random() < _AGAIN_AT_ONCE:
            file.write(row)
            self.truth.duplicates += 1
        if rng.random() < _AGAIN_LATER:
            self.of_tenant.lines("conversions_again.jsonl").write(row)
            self.truth.duplicates += 1
        self._surround(story, name, email, day)
        self._answer(gateway, [event_id], story, value, at)
        self._give_back(gateway, order_id, value, at, day)
        return row

    def _sell_by_webhook(self, gateway: str, name: str, at: int, day: date) -> None:
        rng, webhook = self.rng, WEBHOOKS[gateway]
        at -= at % webhook.tick_ms
        story = self._told(PLAIN_IN_WEBHOOKS.get(name, name), at, webhook.margin_ms)
        payment, email = self._payment(gateway, at, story)
        event_ids = [payment.event_id]
        payloads = [webhook.paid(payment)]
        if webhook.second and rng.random() < _SECOND_EVENT:
            second_id, second = webhook.second(payment, rng)
            event_ids.append(second_id)
            payloads.append(second)
        if rng.random() < _AGAIN_AT_ONCE:
            payloads.append(payloads[0])
        self.truth.duplicates += len(payloads) - 1
        if rng.random() < _UNPAID:
            payloads.append(webhook.unpaid(self._payment(gateway, at, Story("unmatched"))[0], rng))
            self.truth.not_sales += 1
        self._deliver_payloads(gateway, payloads, day)
        self._register(email, at)
        if rng.random() < _AGAIN_LATER:
            self.of_tenant.lines(_file_of(gateway, "again", payloads[0])).write(payloads[0])
            self.truth.duplicates += 1
        self._surround(story, name, email, day)
        self._answer(gateway, event_ids, story, payment.value, at)
        self._give_back(gateway, payment.order_id, payment.value, at, day, payment)

    def _give_back(
        self, gateway: str, order_id: str, value: Decimal, at: int, day: date, payment: Payment | None = None
    ) -> None:
        """Report what goes back of a sale: by the gateway where it says so in the world, else in a file. Some twice."""
        rng, truth = self.rng_of_refunds, self.truth.by_tenant[self.tenant.slug]
        webhook = WEBHOOKS[gateway] if payment else None
        refunded = webhook.refunded if webhook else None
        whole = webhook is not None and refunded is not None and not webhook.in_parts
        for back in money_back(rng, value, at, self.end_at, whole=whole):
            body = refunded(payment, back, rng) if payment and refunded else None
            for _ in range(1 + (rng.random() < _REFUNDED_AGAIN)):
                if body is None:
                    row = back.row(gateway, order_id, self.tenant.currency)
                    self.of_tenant.lines("refunds.jsonl").write(row)
                else:
                    self._deliver_payloads(gateway, [body], day)
                    self.truth.duplicates += WEBHOOKS[gateway].sale_in_refund
            truth.refunds += 1
            truth.refunded += back.value

    def _payment(self, gateway: str, at: int, story: Story) -> tuple[Payment, str]:
        rng, webhook = self.rng, WEBHOOKS[gateway]
        buyer, email = person(rng, self.tenant)
        order_id = webhook.order_id(rng)
        payment = Payment(
            tenant=self.tenant,
            event_id=webhook.event_id(rng, order_id),
            order_id=order_id,
            at_ms=at,
            value=self._price(),
            product=rng.choice(self.tenant.products),
            name=buyer,
            email=as_typed(rng, email),
            phone=phone_number(rng, self.tenant),
            ip=new_ip(rng),
            user_agent=new_user_agent(rng),
            fbc=story.fbc,
            fbp=story.fbp,
        )
        return payment, email

    def _price(self) -> Decimal:
        price = self.rng.choice(self.tenant.prices)
        if self.rng.random() < _DISCOUNTED:
            # Prices keep their minor units, or have none.
            return (price * Decimal("0.9")).quantize(price)
        return price

    def _deliver_payloads(self, gateway: str, payloads: list[Body], day: date) -> None:
        for payload in payloads:
            room = day == self.calendar[0] and len(self.arrays.get(gateway, ())) < _ARRAY_PAYLOADS
            # A form cannot stand in an array.
            if room and not isinstance(payload, bytes):
                self.arrays.setdefault(gateway, []).append(payload)
                continue
            name = _file_of(gateway, str(day), payload)
            first = name not in self.of_day
            file = self.of_day.lines(name)
            file.write(payload)
            if first:
                file.write_line(cut_off(payload))
                self.truth.bad_lines += 1

    def _export_arrays(self, day: date) -> None:
        for gateway, payloads in self.arrays.items():
            self.of_day.write_array(f"webhooks/{gateway}/export_{day}.json", payloads)

    def _surround(self, story: Story, name: str, email: str, day: date) -> None:
        """Deliver the facts around a sale of the day: its clicks, and the visitor's identity."""
        now = moment(self.end_at).isoformat(timespec="milliseconds")
        for row in story.clicks:
            # A click that has not happened yet was not to win anyway.
            if row["created_at"] <= now:
                self._deliver_click(row)
        for row in story.foreign_clicks:
            self.shared.rows("clicks_agency.jsonl.gz").write(row)
            self._count_click(row)
        for row in story.late_clicks:
            name_of_late = f"clicks_late_{day}.jsonl"
            if name_of_late not in self.of_day:
                self.of_day.lines(name_of_late).write_line(without_a_time(row))
                self.truth.bad_lines += 1
            self.of_day.lines(name_of_late).write(row)
            self._count_click(row)
        if story.known_at and (name == "email" or self.rng.random() < _IDENTIFIED):
            self._deliver_identity(story.known_at, email)

    def _deliver_click(self, row: Row) -> None:
        happened = self._day_of(row)
        suffix = self.suffixes.get(happened, ".jsonl.gz") if happened else ".jsonl.gz"
        file = self.of_tenant.rows(f"clicks_{happened or 'history'}{suffix}")
        file.write(row)
        self._count_click(row)
        if self.rng.random() < _AGAIN_AT_ONCE:
            file.write(row)
            self.truth.duplicate_clicks += 1

    def _count_click(self, row: Row) -> None:
        self.truth.clicks += 1
        self.truth.by_tenant[row["tenant"]].campaigns.add(row["utm_campaign"])

    def _list_campaigns(self) -> None:
        """List all campaigns but the last, which its clicks make known."""
        file = self.of_tenant.rows("campaigns.csv")
        since = moment(self.end_at - self.rng_of_users.randrange(60 * DAY_MS)).isoformat(timespec="milliseconds")
        for number, campaign in enumerate(self.tenant.campaigns[:-1]):
            row = {
                "campaign_id": campaign,
                "name": campaign.replace("_", " ").capitalize(),
                "status": "paused" if number else "active",
            }
            file.write(row | dict.fromkeys(("created_at", "updated_at"), since))
            self.truth.by_tenant[self.tenant.slug].campaigns.add(campaign)

    def _register(self, email: str, at: int) -> None:
        """Make some buyers users of the app: their sale is linked by its e-mail address."""
        rng, truth = self.rng_of_users, self.truth.by_tenant[self.tenant.slug]
        if rng.random() >= _REGISTERED:
            return
        file = self.of_tenant.lines("users.jsonl")
        number, since = rng.getrandbits(40), at - rng.randrange(60 * DAY_MS)

        def write(user_id: str, address: str, known_at: int) -> None:
            moments = {"created_at": moment(since), "updated_at": moment(known_at)}
            file.write({"id": user_id, "email": address} | {name: m.isoformat() for name, m in moments.items()})

        if rng.random() < _MOVED:
            # The later row counts, though it stands above.
            write(f"user_{number:010x}", email, at)
            write(f"user_{number:010x}", f"old.{email}", since)
        else:
            write(f"user_{number:010x}", email, since)
        if rng.random() < _TWICE:
            write(f"user_{number:010x}b", email, since)
            truth.users += 1
        truth.users += 1
        truth.linked += 1

    def _deliver_identity(self, known_at: Row, email: str) -> None:
        happened = self._day_of(known_at) or "history"
        self.of_tenant.lines(f"identities_{happened}.jsonl").write(
            {
                "tenant": self.tenant.slug,
                "external_id": f"lead_{self.rng.getrandbits(80):020x}",
                "email": email,
                "phone": phone_number(self.rng, self.tenant) if self.rng.random() < _IDENTIFIED else None,
                "click_external_id": known_at["external_id"],
                "created_at": known_at["created_at"],
            }
        )
        self.truth.identities += 1

    def _day_of(self, click: Row) -> date | None:
        """The day of the calendar a click belongs to; None for one before the first."""
        happened = date.fromisoformat(click["created_at"][:10])
        return None if happened < self.calendar[0] else happened

    def _spoil(self, row: Row, day: date) -> bool:
        """Add the next kind of bad line to the day's file if it is one of lines; whether that was done."""
        if not self.suffixes[day].startswith(".jsonl"):
            return False
        spoilt = next(self.bad_conversions)(row)
        self.of_day.lines(f"conversions_{day}{self.suffixes[day]}").write_line(spoilt)
        self.truth.bad_lines += 1
        return True

    def _answer(self, gateway: str, event_ids: list[str], story: Story, value: Decimal, at: int) -> None:
        tenant = self.tenant
        strategy = "pending" if tenant.suspended else story.strategy
        late = bool(story.late_clicks) and not tenant.suspended
        self.truth.by_tenant[tenant.slug].count(strategy, value=value, late=late)
        self.answers.write(
            {
                "tenant": tenant.slug,
                "gateway": gateway,
                "event_ids": event_ids,
                "strategy": strategy,
                "click": None if tenant.suspended else story.winner,
                "late": late,
                "sold_at": at,
                "unknown_buyer": story.unknown_buyer,
            }
        )


def _file_of(gateway: str, name: str, payload: Body) -> str:
    """The file of a gateway's payloads: of JSON or of forms, one a line."""
    return f"webhooks/{gateway}/{name}{'.form' if isinstance(payload, bytes) else '.jsonl'}"


def _in_proportion(rng: Random, mix: Mapping[str, int]) -> Iterator[str]:
    """Names in the mix's proportions, exact over each of its rounds."""
    while True:
        names = [name for name, count in mix.items() for _ in range(count)]
        rng.shuffle(names)
        yield from names
