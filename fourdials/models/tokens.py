"""The ids of the tokens that words begin with, which a logit bias is written in. Called by the gateway."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from fourdials.errors import RequestRejected
from fourdials.models.catalogue import knows_tokens
from fourdials.records import Model


async def first_tokens(model: Model, words: Sequence[str], api_base: str | None, litellm: Any) -> list[int]:
    """Ids of the first token of each word, at the start of a line and after a space, increasing and distinct.

    A local model's server is asked; `litellm` counts for the hosted models whose vocabulary it has. The first token of
    a long word may begin other words too. Raises RequestRejected for any other model, whose ids would be made up.
    """
    if not knows_tokens(model):
        raise RequestRejected(f"the ids of {model.id}'s tokens are not known, so words cannot be discouraged")
    texts = [text for word in words for text in (word, f" {word}")]
    if model.provider == "local":
        found = await asyncio.to_thread(lambda: [_served(api_base or "", text) for text in texts])
    else:
        found = [litellm.encode(model=model.id.split("/", 1)[1], text=text) for text in texts]
    return sorted({ids[0] for ids in found if ids})


def _served(api_base: str, text: str) -> list[int]:
    """The tokens of a text by llama.cpp's own tokenizer."""
    wanted = json.dumps({"content": text, "add_special": False}).encode()
    address = f"{api_base.removesuffix('/v1')}/tokenize"
    asked = urllib.request.Request(address, wanted, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        ids: list[int] = json.loads(answer.read())["tokens"]
    return ids
