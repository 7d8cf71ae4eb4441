"""Event streams and their tokens: what wakes a client, and what does not."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flag_values.reference import NOW, RECORDED, own, state
from flags.ofrep_schema import EVENT
from jsonschema import validate

from trackai_pipelines.flag_values.ruleset import Ruleset, Version, ruleset_of
from trackai_pipelines.flags.clients import AppType, FlagClient
from trackai_pipelines.flags.streams import RENEW, Streams, configuration, event
from trackai_pipelines.flags.tokens import read_token, token_for

HOUR = timedelta(hours=1)


def client(slug: str = "acme", app_type: AppType = "web", digit: str = "a") -> FlagClient:
    return FlagClient(f"t-{slug}", slug, 1, "page", app_type, digit * 64, (), None, RECORDED, None, None)


def history(*versions: tuple[str, str | None, datetime | None, Mapping[str, Any] | None]) -> Ruleset:
    """The ruleset of versions by key, tenant, beginning and state, numbered from 1; each key is a flag."""
    ids = {key: number for number, key in enumerate(dict.fromkeys(key for key, *_ in versions), 1)}
    return ruleset_of(
        Version(number, ids[key], key, slug, since, RECORDED, state)
        for number, (key, slug, since, state) in enumerate(versions, 1)
    )


PUBLIC = ("public", None, None, state())
HIDDEN = ("hidden", None, None, state(client_visible=False))
NEEDS = ("public", None, None, state(requires=["hidden"]))


@pytest.mark.parametrize(
    ("before", "change", "slug", "app_type", "changes"),
    [
        ([PUBLIC], ("public", None, NOW, state(enabled=False)), "acme", "web", True),
        ([PUBLIC], ("public", "acme", NOW, own(enabled=False)), "acme", "web", True),
        ([PUBLIC], ("public", "globex", NOW, own(enabled=False)), "acme", "web", False),
        ([PUBLIC], ("public", "globex", NOW, own(enabled=False)), "globex", "web", True),
        ([PUBLIC], ("new", None, None, state()), "acme", "web", True),
        ([PUBLIC], ("public", None, None, None), "acme", "web", True),
        ([PUBLIC], ("public", None, NOW, state(archived=True)), "acme", "web", True),
        ([PUBLIC], ("public", None, NOW + HOUR, state(enabled=False)), "acme", "web", False),
        ([PUBLIC, HIDDEN], ("hidden", None, NOW, state(client_visible=False, enabled=False)), "acme", "web", False),
        ([PUBLIC, HIDDEN], ("hidden", None, NOW, state(client_visible=False, enabled=False)), "acme", "admin", True),
        ([PUBLIC, HIDDEN], ("hidden", None, NOW, state()), "acme", "mobile", True),
        ([NEEDS, HIDDEN], ("hidden", None, NOW, state(client_visible=False, enabled=False)), "acme", "web", True),
    ],
    ids=[
        "flag", "own override", "override of another", "override of this one", "new flag", "deleted", "archived",
        "planned", "hidden from pages", "not hidden from admin", "becomes visible", "required by a visible one",
    ],
)  # fmt: skip
def test_what_changes_a_clients_configuration(
    before: list[Any], change: Any, slug: str, app_type: AppType, changes: bool
) -> None:
    sees_all = client(slug, app_type).sees_all
    was = configuration(history(*before), slug, NOW, sees_all=sees_all)
    now = configuration(history(*before, change), slug, NOW, sees_all=sees_all)
    assert (was.etag != now.etag) is changes


def test_a_planned_change_ends_a_configuration_by_the_clock() -> None:
    plans = history(PUBLIC, ("public", None, NOW + HOUR, state(enabled=False)))
    before = configuration(plans, "acme", NOW, sees_all=False)
    after = configuration(plans, "acme", before.until, sees_all=False)
    assert before.until == NOW + HOUR
    assert before.etag != after.etag
    assert after.until > NOW + timedelta(days=1000)


def test_a_stream_says_what_was_missed_and_then_each_change_once() -> None:
    async def heard() -> tuple[str, list[str]]:
        present = [history(PUBLIC)]
        moment = [NOW]
        streams = Streams(lambda: present[0], lambda: moment[0])
        watching = asyncio.create_task(streams.watch())
        valid = [True]
        texts: list[str] = []

        async def listen() -> None:
            async for text in streams.events(client(), "0-seen-before", valid=lambda: valid[0]):
                texts.append(text)

        async def until(count: int) -> None:
            async with asyncio.timeout(30):
                while len(texts) < count:
                    await asyncio.sleep(0.01)

        listening = asyncio.create_task(listen())
        # The reconnection time, and that something was missed.
        await until(2)
        first = streams.now(client()).etag
        # Another tenant's: woken, and quiet.
        present[0] = history(PUBLIC, ("public", "globex", NOW, own(enabled=False)))
        await asyncio.sleep(0.2)
        present[0] = history(PUBLIC, ("public", None, NOW + HOUR, state(enabled=False)))
        await asyncio.sleep(0.2)
        assert len(texts) == 2
        moment[0] = NOW + HOUR
        await until(3)
        assert streams.open == 1
        valid[0] = False
        present[0] = history(PUBLIC)
        await listening
        assert streams.open == 0
        watching.cancel()
        return first, texts

    first, texts = asyncio.run(heard())
    retry, missed, planned, *rest = texts
    assert retry == "retry: 1000\n\n"
    assert missed.startswith(f"id: {first}\ndata: ")
    said = [json.loads(text.partition("data: ")[2]) for text in (missed, planned)]
    for one in said:
        validate(one, EVENT)
        assert one["type"] == "refetchEvaluation"
    assert said[0]["etag"] == first != said[1]["etag"]
    assert said[1]["lastModified"] == (NOW + HOUR).timestamp()
    assert rest == []


def test_a_request_waits_for_a_change_that_another_server_had_first() -> None:
    async def mark_after(etag: str) -> int:
        present = [history(PUBLIC)]
        streams = Streams(lambda: present[0], lambda: NOW)
        later = history(PUBLIC, ("public", None, NOW, state(enabled=False)))
        asyncio.get_running_loop().call_later(0.1, lambda: present.insert(0, later))
        await streams.catch_up(etag)
        return present[0].mark

    assert asyncio.run(mark_after("2-abc")) == 2
    for known in ("1-abc", "", RENEW, "²-abc"):
        assert asyncio.run(mark_after(known)) == 1


def test_a_token_opens_its_own_clients_stream_until_it_expires() -> None:
    one, other = client(digit="a"), client("globex", digit="b")
    by_prefix = {each.key_sha256[:16]: each for each in (one, other)}
    now = datetime(2026, 3, 1, 10, 59, 59, tzinfo=UTC).timestamp()
    token = token_for(one, "7-abc", now)
    assert token_for(one, "7-abc", now - 3_599) == token, "an address that stays keeps its stream"

    def read(given: str, at: float = now) -> Any:
        return read_token(given, by_prefix.get, at)

    assert read(token) == (one, "7-abc", False)
    assert read(token, now + 3_600) == (one, "7-abc", False)
    assert read(token, now + 7_200) == (one, "7-abc", True)
    prefix, expires, seen, signature = token.split(".")
    forged = [
        "", "x", "...", token[:-1], token + "x", f"{other.key_sha256[:16]}.{expires}.{seen}.{signature}",
        f"{prefix}.{int(expires) + 3600}.{seen}.{signature}", f"{prefix}.{expires}.8-abc.{signature}",
        f"{prefix}.²³.{seen}.{signature}", f"{prefix}.{expires}.{seen}.é\ud800",
    ]  # fmt: skip
    assert [read(given) for given in forged] == [None] * len(forged)


def test_a_client_whose_token_expired_is_told_to_fetch_a_new_one() -> None:
    text = event(RENEW, NOW)
    assert text.startswith("id: renew\n")
    validate(json.loads(text.partition("data: ")[2]), EVENT)
