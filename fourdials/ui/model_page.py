"""What the Models page shows: every model with what it lacks, one of them in detail, and which keys are set."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import streamlit as st

from fourdials import prices
from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.models import added, catalogue
from fourdials.records import Model, Price
from fourdials.ui import access, controls, words

FEATURES = {
    "n": ("several samples", "Returns several samples of one prompt in one request, which pays for the prompt once."),
    "grammar": ("fixed choices", "Can be held to a list of allowed replies by a grammar."),
    "logprobs": ("log-probabilities", "Reports how likely each token of its reply was."),
    "seed": ("seeds", "Gives the same reply again for the same seed, as far as its server allows."),
    "stop": ("stop strings", "Ends its reply at a given text."),
    "temperature": ("temperature", "Samples at a temperature that can be set."),
    "effort": ("reasoning setting", "Can be told how long to reason before it answers."),
    "prefill": ("continues a reply", "Goes on with a reply that was begun for it."),
    "logit_bias": ("token biases", "Can be kept from using given words."),
}
_SHOWN: dict[str, tuple[words.Colour, str]] = {
    "yes": ("green", ":material/check:"),
    "no": ("gray", ":material/close:"),
    "unknown": ("orange", ":material/question_mark:"),
}


def troubles() -> None:
    """What is wrong with the person's own files, if anything."""
    said = catalogue.troubles()
    try:
        prices.own_prices()
    except InputError as error:
        said.append(str(error))
    if said:
        st.warning("Some of what was added here cannot be used; the rest works.", icon=":material/warning:")
        st.code("\n".join(said), language=None, wrap_lines=True)


def price_of(model: Model) -> Price | None:
    """The price row that holds today; None if none is known or the person's file is bad."""
    try:
        return prices.price_of(model.id, time.time(), prices.load_prices())
    except InputError:
        return prices.price_of(model.id, time.time(), prices.shipped_prices())


def table(found: Mapping[str, Model]) -> None:
    """All models: whether they can be used now, what they lack, what they cost."""
    mine = _mine()
    rows = []
    for model in found.values():
        row = price_of(model)
        rows.append(
            {
                "Model": model.label,
                "Usable now": _usable(model),
                "USD per million tokens, in / out": _priced(row),
                "Id": model.id,
                "Added": "by you" if model.id in mine else "",
            }
        )
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={
            "Model": st.column_config.TextColumn(width=350, pinned=True),
            "Usable now": st.column_config.TextColumn(width="medium"),
        },
    )
    usable = sum(catalogue.missing(model) is None for model in found.values())
    st.caption(
        f"{usable} of {words.plural(len(rows), 'model')} can be used now. Any other id works too: add it here, or type "
        "it on the Run page."
    )


def _usable(model: Model) -> str:
    reason = catalogue.missing(model)
    if reason is None:
        return "if its server is running" if model.api_base and catalogue.is_loopback(model.api_base) else "yes"
    return f"no: needs {model.key_variable}" if model.key_variable and model.key_variable in reason else f"no: {reason}"


def _priced(row: Price | None) -> str:
    return numbers.UNKNOWN if row is None else f"{numbers.usd(row.input_usd)} / {numbers.usd(row.output_usd)}"


def _mine() -> Mapping[str, added.Entry]:
    try:
        return added.held().models
    except InputError:
        return {}


def details(model: Model) -> None:
    """One model: where it is, what it costs, its limits, what it can do; and a way to forget what was added."""
    st.subheader(words.plain(model.label), anchor=False)
    st.code(model.id, language=None, wrap_lines=True)
    if reason := catalogue.missing(model):
        st.warning(f"Not usable now: {words.plain(reason)}.", icon=":material/block:")
    price = price_of(model)
    dated = f"From {price.valid_from}. {price.source}" if price else "Its cost is shown as unknown, never as 0."
    controls.facts(
        [
            (
                "Prompts",
                "chat turns" if model.format == "chat" else "raw text",
                "The form in which tasks are put to it.",
            ),
            ("Context", _context(model), "Longest prompt plus reply."),
            ("In / out, per million", _priced(price), words.plain(dated)),
            ("At once", words.plural(model.concurrency, "call"), "Most calls in flight."),
            ("A minute", _rates(model), "Set under Limits."),
            ("Key", model.key_variable or "none needed", "The environment variable that holds it."),
        ]
    )
    if model.api_base:
        st.caption(f"Served at {words.plain(model.api_base)}")
    entry = _mine().get(model.id)
    tested = f" Settled by calls on {entry.tested}." if entry and entry.tested else ""
    st.markdown(f"**What it can do**{tested}")
    with st.container(horizontal=True, gap="small"):
        for name, (title, meaning) in FEATURES.items():
            has = model.capabilities.get(name, "unknown")
            colour, icon = _SHOWN[has]
            st.badge(f"{title}: {has}", icon=icon, color=colour, help=meaning, width="content")
    if entry and access.allowed():
        st.button(
            "Forget what was added for it",
            icon=":material/delete:",
            on_click=_forget,
            args=(model.id,),
            help="Takes its entry out of models.toml: a model you added goes, one that came along is as it came.",
        )


def _context(model: Model) -> str:
    return f"{words.count(model.context_tokens)} tokens" if model.context_tokens else numbers.UNKNOWN


def _rates(model: Model) -> str:
    rates = [
        f"{words.count(rate)} {noun}"
        for rate, noun in ((model.requests_per_minute, "requests"), (model.tokens_per_minute, "tokens"))
        if rate
    ]
    return ", ".join(rates) or "no limit set"


def _forget(model_id: str) -> None:
    access.require()
    added.drop(model_id)
    st.session_state["models.told"] = "Forgotten."


def keys(found: Mapping[str, Model]) -> None:
    """Which keys are set, by name; values are never read here."""
    users: dict[str, list[str]] = {}
    for provider, variable in catalogue.default_keys().items():
        users.setdefault(variable, []).append(provider)
    for model in found.values():
        if model.key_variable and model.api_base:
            users.setdefault(model.key_variable, []).append(model.api_base)
        elif model.key_variable:
            users.setdefault(model.key_variable, [model.provider])
    rows = [
        {"Variable": name, "Set": "yes" if os.environ.get(name) else "no", "Goes to": ", ".join(dict.fromkeys(uses))}
        for name, uses in users.items()
    ]
    rows.sort(key=lambda row: (row["Set"] == "no", row["Variable"]))
    present = sum(row["Set"] == "yes" for row in rows)
    st.markdown(
        f"**{words.plural(present, 'key')}** of {len(rows)} set. A key is an environment variable: set it before the "
        "dashboard is started, and start it again. Only names are shown here; the values are read when a call is made, "
        "and are never stored."
    )
    st.dataframe(rows, hide_index=True)
