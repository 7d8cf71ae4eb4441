"""Blame: whether a refusal is the event's own fault or the set-up's.

Meta's codes do not tell: every event of a tenant may be refused as if it were bad, because of the pixel, the token,
the account or the version of the API. So an event is given up only on evidence, and never for what it meets while
nothing is accepted. The evidence is one of these:

- Our own rules find the same fault in it, e.g. that it is too old by now.
- It was refused alone, then another event of the tenant was accepted, and it is refused alone again.
- It was refused together with others, all of these were accepted since, and it is refused alone.

Until then it is set aside, and the others go on, one at a time. Refusals of one kind that meet SAME_TO_OPEN different
events while none is accepted open the circuit, and so do ANY_TO_OPEN of any kinds; then no event is in doubt any more.
Here: the rules, as a function of what is known. Not here: where that is kept (`claims`, on the queue and in the
circuit, so it survives restarts and is shared by all workers).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trackai_pipelines.delivery.answers import INVALID_PARAMETER, AnswerKind, Verdict
from trackai_pipelines.delivery.circuit import LONGEST_COOLDOWN_SECONDS, Circuit, after, backoff_seconds, opened
from trackai_pipelines.delivery.prepare import EVENTS_PER_REQUEST, Prepared
from trackai_pipelines.delivery.validate import problem_of
from trackai_pipelines.settings import CapiSettings

SAME_TO_OPEN = 5
ANY_TO_OPEN = 10

# How often an event must meet a refusal before it is given up. A refusal without a documented meaning may be a passing
# trouble of Meta's, and an answer without a code need not even come from Meta.
_TIMES, _TIMES_UNDOCUMENTED, _TIMES_WITHOUT_CODE = 2, 3, 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer changes: the tenant's circuit, the attempts of the request's events, and their place on the queue.

    `failure` and `message` are None if they were accepted. `final` events leave the queue. The others are in doubt for
    the kind of refusal `doubted_for`, if it is not None: met `times`, set aside until `not_before` if refused alone.
    `explained`: the bad event was found, so those refused together with it are in doubt no longer. `forgiven`: the
    set-up is at fault, so no event is in doubt.
    """

    circuit: Circuit
    final: bool
    failure: str | None
    message: str | None
    at_most: int = EVENTS_PER_REQUEST
    doubted_for: str | None = None
    times: int = 0
    others_accepted: bool = False
    not_before: datetime | None = None
    explained: bool = False
    forgiven: bool = False


def outcome_of(
    circuit: Circuit,
    events: Sequence[Prepared],
    doubts: Sequence[str],
    verdict: Verdict,
    *,
    now: datetime,
    settings: CapiSettings,
) -> Outcome:
    """Return what the answer to a request with these events changes.

    `doubts` are the kinds of refusals of the tenant's events that were refused alone while none was accepted.
    """
    if verdict.kind is AnswerKind.accepted:
        return Outcome(after(circuit, verdict, now=now, settings=settings), True, None, None)
    if verdict.kind is not AnswerKind.refused:
        return Outcome(after(circuit, verdict, now=now, settings=settings), False, verdict.failure, verdict.message)
    if len(events) > 1:
        message = (
            f"refused with {len(events) - 1} others: sent again in a smaller request. {_sentence(verdict.message)}"
        )
        half = (len(events) + 1) // 2
        return Outcome(circuit, False, "refused_together", message, half, verdict.refusal, times=1)
    return _refused_alone(circuit, events[0], doubts, verdict, now, settings)


def _refused_alone(
    circuit: Circuit, event: Prepared, doubts: Sequence[str], verdict: Verdict, now: datetime, settings: CapiSettings
) -> Outcome:
    probing = circuit.state == "half_open" and circuit.refusal is not None
    if circuit.state == "half_open" and not probing:
        # The probe got through to Meta, which was not to be reached before, or did not know the token.
        circuit = Circuit()
    doubt = event.doubt if event.doubt and event.doubt.refusal == verdict.refusal else None
    times = (doubt.times if doubt else 0) + 1
    if _confirmed(event, verdict, now):
        # Such a probe proves nothing; the next event tries at once.
        circuit = replace(circuit, state="open", retry_at=now) if probing else circuit
        return Outcome(circuit, True, verdict.failure, verdict.message, explained=True)
    if doubt and doubt.others_accepted and (doubt.alone or doubt.only_one):
        if times >= _times_to_give_up(verdict):
            message = f"only this event is refused, others were accepted. {_sentence(verdict.message)}"
            return Outcome(circuit, True, verdict.failure, message, explained=True)
        pause = 0.0 if verdict.code is not None else backoff_seconds(times, settings)
        return Outcome(
            circuit,
            False,
            "refused_alone",
            verdict.message,
            1,
            verdict.refusal,
            times=times,
            others_accepted=True,
            not_before=now + timedelta(seconds=pause),
        )
    return _in_doubt(circuit, event, doubts, verdict, times, now, settings)


def _in_doubt(
    circuit: Circuit,
    event: Prepared,
    doubts: Sequence[str],
    verdict: Verdict,
    times: int,
    now: datetime,
    settings: CapiSettings,
) -> Outcome:
    """Return the outcome of a refusal that nothing explains: the event is set aside, or the circuit opens."""
    kinds = [*doubts, verdict.refusal]
    if event.doubt and event.doubt.alone and not event.doubt.others_accepted and event.doubt.refusal in doubts:
        kinds.remove(event.doubt.refusal)
    of_a_kind = kinds.count(verdict.refusal)
    message = f"{verdict.message}. It is not known yet whether the event or the set-up is at fault: it is tried again"
    if circuit.state == "half_open" or of_a_kind >= SAME_TO_OPEN or len(kinds) >= ANY_TO_OPEN:
        met = (
            f"{len(kinds)} different events in a row" if circuit.state != "half_open" else "every event that was tried"
        )
        reason = (
            f"Meta refuses {met} and accepts none, so the set-up is at fault (the pixel, the token, the account, the "
            f"app) and not the events, which are kept: {verdict.message}"
        )
        circuit = opened(circuit, reason, now=now, settings=settings, refusal=verdict.refusal)
        return Outcome(circuit, False, "refused_alone", message, forgiven=True)
    reason = (
        f"Meta refused {len(kinds)} and accepted none since, so whether the events or the set-up are at fault is not "
        f"known yet; they are tried again after a while, and once another event is accepted: {verdict.message}"
    )
    pause = min(settings.circuit_cooldown_seconds * 2.0 ** min(times - 1, 30), LONGEST_COOLDOWN_SECONDS)
    return Outcome(
        replace(circuit, reason=reason, refusal=verdict.refusal),
        False,
        "refused_alone",
        message,
        1,
        verdict.refusal,
        times=times,
        not_before=now + timedelta(seconds=pause),
    )


def _confirmed(event: Prepared, verdict: Verdict, now: datetime) -> bool:
    """Return whether our own rules find the fault that Meta names: time may have passed since they were asked."""
    problem = problem_of(json.loads(event.event), now=now)
    return problem is not None and problem.failure == verdict.failure


def _times_to_give_up(verdict: Verdict) -> int:
    if verdict.code is None:
        return _TIMES_WITHOUT_CODE
    return _TIMES if verdict.code == INVALID_PARAMETER else _TIMES_UNDOCUMENTED


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
