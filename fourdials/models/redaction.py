"""Takes keys out of texts before they are kept: providers echo the key they refuse."""

from __future__ import annotations

import os
import re
import traceback

REMOVED = "[removed]"
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|hf|ghp|xai|pplx|nvapi|csk|r8|fw)[-_][A-Za-z0-9*_.-]{6,}"
    r"|\bAIza[A-Za-z0-9_-]{10,}|\bAKIA[A-Z0-9]{12,}"
)


def redacted(text: str, key_variable: str | None = None) -> str:
    """The text without what looks like a key and without values of environment variables that hold one: those named
    like secrets and, whatever its name, `key_variable`."""
    secrets = {value for name, value in os.environ.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST}
    secrets |= {os.environ.get(key_variable or "", "")} - {""}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    text = _LOOKS_SECRET.sub(REMOVED, text)
    return re.sub(r"(?i)\bbearer\s+[^\s\"',;]{6,}", f"Bearer {REMOVED}", text)


def recorded(error: Exception, boundary: str) -> dict[str, str]:
    """An error as it is journaled: its type, its message without keys, and at whose boundary it was met. A plug-in's
    says which line raised it, or its author would look for it in vain."""
    message = str(error)
    if boundary == "plug-in" and (frames := traceback.extract_tb(error.__traceback__)):
        message = f"{message} (line {frames[-1].lineno} of {os.path.basename(frames[-1].filename)})"
    return {"type": type(error).__name__, "message": redacted(message)[:2000], "boundary": boundary}
