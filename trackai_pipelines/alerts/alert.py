"""The message about a failed run, and its delivery to a webhook.

What belongs here: text and HTTP. What does not: noticing failures (defs/).
"""

from dataclasses import dataclass

# Chat webhooks (Slack's and those that imitate it) take {"text": ...}.
_TIMEOUT_SECONDS = 10
_LONGEST_ERROR = 1_000


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, with what a person needs to know."""

    job: str
    run_id: str
    partition: str | None
    error: str

    @property
    def message(self) -> str:
        """The message: what happened, to what, and what to do next."""
        days = f" for {self.partition}" if self.partition else ""
        return (
            f"Run {self.run_id[:8]} of {self.job}{days} failed: {self.error.strip()[:_LONGEST_ERROR]}\n"
            f"Nothing is lost: unfinished work still waits. See /runs/{self.run_id} in the Dagster UI."
        )


def deliver(message: str, webhook_url: str) -> None:
    """Post the message to a chat webhook; a transient failure is retried twice.

    Raises RuntimeError, without the URL, when it is not accepted.
    """
    import requests
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    # Retried here rather than by urllib3, which logs the URL.
    retrying = Retrying(
        retry=retry_if_exception(_transient),
        stop=stop_after_attempt(3),
        wait=wait_exponential(multiplier=0.5),
        reraise=True,
    )
    try:
        retrying(_post, message, webhook_url)
    except requests.RequestException as error:
        # The URL of a chat webhook is its password, and requests puts it into its messages.
        raise RuntimeError(
            f"the alert webhook did not take the message ({type(error).__name__}); check TRACKAI_ALERT_WEBHOOK_URL"
        ) from None


def _post(message: str, webhook_url: str) -> None:
    import requests

    requests.post(webhook_url, json={"text": message}, timeout=_TIMEOUT_SECONDS).raise_for_status()


def _transient(error: BaseException) -> bool:
    """Return whether a retry may succeed: the webhook did not answer, or its server failed."""
    import requests

    if not isinstance(error, requests.RequestException):
        return False
    return error.response is None or error.response.status_code >= 500
