"""The data that flows through Four Dials, as frozen records.

Plain data without behaviour beyond small derived properties; every other module imports from here, and nothing here
imports from them.
"""

from fourdials.records.calls import Attempt, Model, ModelRequest, Price, Sample, Usage
from fourdials.records.design import Arm, Experiment, Limits, Stop, TaskChoice, Trial
from fourdials.records.dialogue import Checkpoint, Grade, Message, Observation, Problem, Prompt, Reply
from fourdials.records.words import (
    DIALS,
    EXCLUDED_OUTCOMES,
    NOTHING,
    Access,
    Dial,
    Format,
    Outcome,
    Provenance,
    Reads,
    Role,
    StopReason,
    Support,
)

__all__ = [
    "DIALS",
    "EXCLUDED_OUTCOMES",
    "NOTHING",
    "Access",
    "Arm",
    "Attempt",
    "Checkpoint",
    "Dial",
    "Experiment",
    "Format",
    "Grade",
    "Limits",
    "Message",
    "Model",
    "ModelRequest",
    "Observation",
    "Outcome",
    "Price",
    "Problem",
    "Prompt",
    "Provenance",
    "Reads",
    "Reply",
    "Role",
    "Sample",
    "Stop",
    "StopReason",
    "Support",
    "TaskChoice",
    "Trial",
    "Usage",
]
