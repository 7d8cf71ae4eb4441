"""Flags through OpenFeature's SDK, for applications that ask in its words.

    from openfeature import api
    from trackai_pipelines.flags.openfeature import TrackaiProvider

    api.set_provider_and_wait(TrackaiProvider(tenant="acme"))
    api.get_client().get_boolean_value("dark_mode", False, EvaluationContext("user-1", {"plan": "premium"}))

What belongs here: OpenFeature's types, events and errors. What does not: values, which come from memory (flag_values).
Nothing else here imports the SDK: it takes a quarter of a second.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Timer
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.flag_values.client import Flags, open_flags
from trackai_pipelines.flag_values.feed import FlagEvent

_T = TypeVar("_T")
_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]

_SAYS = {
    "FLAG_NOT_FOUND": "There is no flag {key}. Check the key.",
    "TARGETING_KEY_MISSING": "The flag {key} divides its users, and the context does not say who this is. Give it a "
    "targeting key, or the attribute by which the flag divides them.",
    "INVALID_CONTEXT": "The context of the flag {key} names no tenant of ours, or the attribute by which the flag "
    "divides its users is not a text. Give the provider a tenant, or the context.",
    "PARSE_ERROR": "The value of the flag {key} is not of its type. Correct it with `trackai flags set`.",
    "TYPE_MISMATCH": "The flag {key} is of another type than the one that was asked for.",
    "PROVIDER_NOT_READY": "Flags could not be read yet, because the database does not answer. It is tried on.",
    "GENERAL": "The flag {key} could not be evaluated, because the database does not answer.",
}
_STALE = "Flags could not be read for five minutes; the last known ones are served."
_REASONS = {str(reason): reason for reason in Reason}
# The registry tells READY or ERROR when `initialize` has ended, and by then it may be otherwise.
_AFTER_INITIALIZE_SECONDS = 1.0


class TrackaiProvider(AbstractProvider):
    """Serves flags from memory, counts checks, and emits events. No resolution waits for anything."""

    def __init__(self, tenant: str | None = None, *, opened: Callable[[], Flags] = open_flags) -> None:
        """Serve a tenant's flags (slug or id); without one, each context has its own, as the attribute `tenant`.

        `opened` opens the flags, where those of the environment, or their app type, are not the right ones.
        """
        super().__init__()
        self._tenant = tenant
        self._opened = opened
        self._flags: Flags | None = None
        self._fresh = False

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="trackai")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Read all flags, from the database or, while it does not answer, from the file of the last ones.

        Raises ProviderNotReadyError where there are neither; the database is tried on, and READY told when it answers.
        Raises ProviderFatalError for a database URL that is none.
        """
        if self._flags is None:
            try:
                self._flags = self._opened()
            except ExpectedError as error:
                raise ProviderFatalError(str(error)) from error
            self._flags.subscribe(self._told)
        self._fresh = not self._flags.stale
        if not self._fresh:
            timer = Timer(_AFTER_INITIALIZE_SECONDS, self._tell_again, [self._flags])
            timer.daemon = True
            timer.start()
        if self._flags.snapshot is None:
            raise ProviderNotReadyError(_SAYS["PROVIDER_NOT_READY"])

    def shutdown(self) -> None:
        """Write down what was asked, and end."""
        flags, self._flags, self._fresh = self._flags, None, False
        if flags is not None:
            flags.close()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Return a boolean flag."""
        return self._resolved(flag_key, default_value, False, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return a flag that is a text."""
        return self._resolved(flag_key, default_value, "", evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Return an integer flag; a boolean is none."""
        return self._resolved(flag_key, default_value, 0, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Return a flag that is a number, or an integer as one."""
        return self._resolved(flag_key, default_value, 0.0, evaluation_context)

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """Return a flag that is a JSON object."""
        return self._resolved(flag_key, default_value, {}, evaluation_context)

    def _resolved(
        self, key: str, default: _T, of_type: Any, evaluation_context: EvaluationContext | None
    ) -> FlagResolutionDetails[_T]:
        """Return a flag of the type of `of_type`; the caller's default may be of another one."""
        flags, context = self._flags, evaluation_context or EvaluationContext()
        if flags is None:
            return _failed(key, default, "PROVIDER_NOT_READY")
        tenant = self._tenant or context.attributes.get("tenant")
        found = flags.evaluate(
            key,
            of_type,
            tenant=tenant if isinstance(tenant, str) else "",
            user=context.targeting_key,
            context=context.attributes,
        )
        if found.error_code is not None:
            return _failed(key, default, found.error_code)
        return FlagResolutionDetails(
            value=found.value, reason=_REASONS[found.reason], variant=found.variant, flag_metadata=found.metadata
        )

    def _told(self, event: FlagEvent, keys: frozenset[str]) -> None:
        if event is FlagEvent.CHANGED:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=sorted(keys)))
        elif event is FlagEvent.STALE:
            self._fresh = False
            self.emit_provider_stale(ProviderEventDetails(message=_STALE))
        elif not self._fresh:
            self._fresh = True
            self.emit_provider_ready(ProviderEventDetails())

    def _tell_again(self, flags: Flags) -> None:
        """Tell how it is, unless it is still as `initialize` left it or is over."""
        if flags is self._flags and flags.snapshot is not None:
            self._fresh = False
            self._told(FlagEvent.STALE if flags.stale else FlagEvent.READY, frozenset())


def _failed(key: str, default: _T, code: str) -> FlagResolutionDetails[_T]:
    return FlagResolutionDetails(
        value=default,
        reason=Reason.ERROR,
        error_code=ErrorCode[code],
        error_message=_SAYS[code].format(key=key),
    )
