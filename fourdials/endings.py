"""How trials end, and what their endings say of the run as a whole. Kept by `run`."""

from __future__ import annotations

from dataclasses import dataclass

from fourdials.errors import AuthenticationFailed
from fourdials.records import EXCLUDED_OUTCOMES, Outcome, StopReason

AUTHENTICATION_ERRORS_TO_STOP = 3
FAILURES_TO_STOP = 10  # trials in a row that end without an answer for reasons of infrastructure


@dataclass(slots=True)
class Ending:
    """How a trial ended: why, and what failed, if anything did."""

    stop_reason: StopReason
    failure: Outcome | None = None
    error: dict[str, str] | None = None


@dataclass(slots=True)
class Tally:
    """Endings so far. `failure` says why the run must stop, once its calls fail one after the other."""

    failure: str | None = None
    ended: int = 0
    failed: int = 0
    unaffordable: int = 0
    last_error: str = ""
    _failed_in_a_row: int = 0
    _refused_in_a_row: int = 0

    def count(self, end: Ending, calls: int) -> None:
        """Adds a trial that made so many calls; a run whose calls all fail stops instead of failing to its end."""
        self.ended += 1
        self.unaffordable += end.stop_reason == "capped" and calls == 0
        failed = end.failure in EXCLUDED_OUTCOMES and end.error is not None
        self.failed += failed
        self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
        refused = end.error is not None and end.error["type"] == AuthenticationFailed.__name__
        self._refused_in_a_row = self._refused_in_a_row + 1 if refused else 0
        if end.error is not None:
            self.last_error = end.error["message"]
        if self._refused_in_a_row >= AUTHENTICATION_ERRORS_TO_STOP:
            self.failure = f"stopped after {self._refused_in_a_row} refused keys in a row: {self.last_error}"
        elif self._failed_in_a_row >= FAILURES_TO_STOP:
            self.failure = f"stopped after {self._failed_in_a_row} failed trials in a row: {self.last_error}"

    def verdict(self, spent: bool) -> tuple[str, str | None]:
        """The status of a run that came to its end, and what a person should know of it; `spent` if its budget is."""
        if self.failure:
            return "failed", self.failure
        if self.unaffordable and self.unaffordable == self.ended:
            return "finished", f"the budget is too small for a single call: a trial {self.last_error}"
        if spent:
            return "finished", "the experiment's budget is spent; resume with a larger --budget to go on"
        again = "once that is mended, `resume --retry-errors` asks again"
        if self.failed and self.failed == self.ended:
            return "failed", f"every trial failed, the last one with: {self.last_error}; {again}"
        if self.failed:
            return "finished", f"{self.failed} of {self.ended} trials failed and count nowhere; {again}"
        return "finished", None
