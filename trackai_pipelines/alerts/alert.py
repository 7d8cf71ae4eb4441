"""The message about a failed run, and its delivery to a webhook.

What belongs here: text and HTTP. What does not: noticing failures (defs/).
"""

import time
from dataclasses import dataclass

# Chat webhooks (Slack's and those that imitate it) take {"text": ...}.
_TIMEOUT_SECONDS = 10
# Ours rather than urllib3's retries, which log the URL.
_PAUSES_SECONDS = (0.5, 1.0)
_LONGEST_ERROR = 1_000


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, as far as a person wants to know."""

    job: str
    run_id: str
    partition: str | None
    error: str

    @property
    def message(self) -> str:
        """What happened, to what, what to do next."""
        days = f" for {self.partition}" if self.partition else ""
        return (
            f"Run {self.run_id[:8]} of {self.job}{days} failed: {self.error.strip()[:_LONGEST_ERROR]}\n"
            f"Nothing is lost: what was not done still waits. See /runs/{self.run_id} in the Dagster UI."
        )


def deliver(message: str, webhook_url: str) -> None:
    """Post the message to a chat webhook; what passes is tried again for a few seconds.

    Raises RuntimeError, without the URL, when it is not accepted.
    """
    import requests

    for pause in (*_PAUSES_SECONDS, None):
        try:
            answer = requests.post(webhook_url, json={"text": message}, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
        except requests.RequestException as error:
            refused = error.response is not None and error.response.status_code < 500
            if pause is None or refused:
                # The URL of a chat webhook is its password, and requests puts it into its messages.
                raise RuntimeError(
                    f"the alert webhook did not take the message ({type(error).__name__}); check "
                    "TRACKAI_ALERT_WEBHOOK_URL"
                ) from None
            time.sleep(pause)
        else:
            return
