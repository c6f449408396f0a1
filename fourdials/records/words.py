"""The fixed vocabularies: dials, roles, outcomes, provenances and the like, as literal types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

Format = Literal["chat", "completion"]
Access = Literal["given", "search", "environment"]
Dial = Literal["parallel", "sequential", "search", "interaction", "hybrid"]
Role = Literal["solve", "step", "revise", "verify", "judge", "plan", "query", "act", "synthesise", "route", "grade"]
Outcome = Literal["correct", "wrong", "unparsed", "truncated", "refused", "unanswered", "infra_error", "grader_error"]
StopReason = Literal["finished", "max_level", "capped", "error", "stopped", "diverged"]
Provenance = Literal["real", "scale model", "simulated", "recorded"]
Reads = Literal["choice", "number", "text", "block", "nothing"]
Support = Literal["yes", "no", "unknown"]

DIALS: tuple[Dial, ...] = ("parallel", "sequential", "search", "interaction", "hybrid")
EXCLUDED_OUTCOMES: tuple[Outcome, ...] = ("infra_error", "grader_error")
NOTHING: Mapping[str, Any] = MappingProxyType({})
