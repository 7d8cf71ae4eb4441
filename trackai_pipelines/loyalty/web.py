"""Loyalty over HTTP, for the app: claims, entries into raffles, and where a creator stands.

What belongs here: routes, who may ask, and the form of answers. What does not: who gets what (claims.py, raffles.py).

Whoever has the token may claim for every creator: it is the app's own, and never reaches a browser.
"""

import hmac
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, time
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trackai_pipelines.loyalty.chosen import tenant_of
from trackai_pipelines.loyalty.claims import ClaimRefusedError, RewardClaim, UnfitClaimError, claim
from trackai_pipelines.loyalty.raffles import enter_raffle
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError
from trackai_pipelines.loyalty.standing import standing
from trackai_pipelines.settings import Settings

_JSON = "application/json"


class AskedClaim(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of a claim: one of `reward_id`, `mission_id` and `raffle_id`."""

    tenant: str
    """Slug or id."""
    user_id: str
    claim_key: str = ""
    reward_id: str | None = None
    mission_id: str | None = None
    raffle_id: str | None = None
    """The mission of a raffle to enter: it needs no claim key."""
    scheduled_on: date | None = None
    scheduled_at: time | None = None
    size: str | None = None
    shipping_ref: str | None = None
    payment_method: str | None = None
    payment_account_ref: str | None = None


def routes() -> Sequence[BaseRoute]:
    """Return the routes."""
    return [
        Route("/loyalty/claims", _claim, methods=["POST"]),
        Route("/loyalty/creators/{user}/standing", _standing),
    ]


async def _claim(request: Request) -> Response:
    _refuse_strangers(request)
    try:
        asked = msgspec.json.decode(await request.body(), type=AskedClaim)
    except (msgspec.DecodeError, RecursionError) as error:
        raise HTTPException(400, f"The body is no claim: {error}.") from error
    return await run_in_threadpool(_answer, request, asked)


def _answer(request: Request, asked: AskedClaim) -> Response:
    now = request.app.state.clock()
    try:
        with request.app.state.pool.connection() as connection:
            tenant_id = tenant_of(connection, asked.tenant)
            if asked.raffle_id is not None:
                at = enter_raffle(connection, tenant_id, asked.raffle_id, asked.user_id, now)
                return _json(200, {"raffle_id": asked.raffle_id, "user_id": asked.user_id, "participated_at": at})
            said = {name: value for name, value in msgspec.structs.asdict(asked).items() if name not in _NOT_SAID}
            return _json(200, asdict(claim(connection, RewardClaim(tenant_id=tenant_id, **said), now)))
    except ClaimRefusedError as error:
        # problem+json with what the app acts on.
        status = HTTPStatus.CONFLICT
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": str(error)}
        return _json(status, {**problem, "refusal": error.refusal}, "application/problem+json")
    except UnfitClaimError as error:
        raise HTTPException(400, str(error)) from error
    except LoyaltyRefusedError as error:
        raise HTTPException(404, str(error)) from error


_NOT_SAID = {"tenant", "raffle_id"}


def _standing(request: Request) -> Response:
    _refuse_strangers(request)
    try:
        with request.app.state.pool.connection() as connection:
            tenant_id = tenant_of(connection, request.query_params.get("tenant", ""))
            found = standing(connection, tenant_id, request.path_params["user"], request.app.state.clock())
    except LoyaltyRefusedError as error:
        raise HTTPException(404, str(error)) from error
    return _json(200, asdict(found))


def _refuse_strangers(request: Request) -> None:
    """Raise HTTPException unless the request has the token that the environment sets."""
    token = Settings().loyalty_token
    if token is None:
        raise HTTPException(403, "Claims are not taken here: TRACKAI_LOYALTY_TOKEN is not set.")
    given = request.headers.get("authorization", "").encode("latin-1")
    if not hmac.compare_digest(given, f"Bearer {token.get_secret_value()}".encode()):
        raise HTTPException(401, "Send the token as `Authorization: Bearer ...`.", {"WWW-Authenticate": "Bearer"})


def _json(status: int, content: Any, media_type: str = _JSON) -> Response:
    return Response(msgspec.json.encode(content), status, media_type=media_type)
