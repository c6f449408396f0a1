"""The Models page's forms: add a model, set a provider's limits, state a price. Each says at once what is wrong."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from fourdials import prices as pricing
from fourdials.errors import FourDialsError, InputError
from fourdials.models import added, catalogue, servers
from fourdials.records import Model, Price
from fourdials.ui import access, words

_WAYS = {
    "here": "Running on this computer",
    "hosted": "A provider's model",
    "address": "A server with an address",
    "file": "A GGUF file",
}
_RATES = {
    "requests_per_minute": "Requests a minute",
    "tokens_per_minute": "Tokens a minute",
    "concurrency": "Calls at once",
}


def add() -> None:
    """Adds a model: one found here, any litellm id, a base URL, or a file."""
    if not access.gate("add models"):
        return
    way = st.segmented_control(
        "What do you want to add?", list(_WAYS), default="here", format_func=_WAYS.__getitem__, key="models.way"
    )
    {"here": _here, "hosted": _hosted, "address": _address, "file": _file}[way or "here"]()


def _attempt(change: Callable[[], object], told: str) -> None:
    """Makes a change and says so on the next run of the page, or says here what is wrong with it."""
    try:
        access.require()
        change()
    except FourDialsError as error:
        st.error("Not saved; nothing has changed.", icon=":material/block:")
        st.code(str(error), language=None, wrap_lines=True)
        return
    st.session_state["models.told"] = told
    st.rerun()


def _save(values: Mapping[str, Any]) -> None:
    kept = {name: value.strip() if isinstance(value, str) else value for name, value in values.items() if value}
    _attempt(lambda: catalogue.add(kept), f"Added. Choose {words.plain(kept.get('id', ''))} here or on the Run page.")


def _here() -> None:
    st.caption("Looks for Ollama, vLLM, llama.cpp and LM Studio where they usually listen: " + _ports() + ".")
    if st.button("Look for servers", icon=":material/search:"):
        access.require()
        st.session_state["models.servers"] = servers.find()
    found: list[servers.Server] | None = st.session_state.get("models.servers")
    if found == []:
        st.info("No server answered. Start it, then look again; for another port, give its address.")
    for server in found or []:
        with st.container(border=True):
            st.markdown(f"**{words.plain(server.kind)}** at {words.plain(server.api_base)}")
            if not server.models:
                st.caption("It has no model yet.")
                continue
            model = st.selectbox("Model", server.models, key=f"models.found.{server.api_base}")
            if st.button("Add it", icon=":material/add:", key=f"models.take.{server.api_base}"):
                _save(servers.entry(server, model))


def _ports() -> str:
    return ", ".join(map(str, servers.PORTS))


def _hosted() -> None:
    with st.form("models.hosted"):
        model_id = st.text_input(
            "Id", placeholder="provider/model", help="As litellm names it, such as mistral/mistral-small-latest."
        )
        label = st.text_input("Name shown", help="Empty for its id.")
        variable = st.text_input(
            "Variable of the key", placeholder="the provider's own", help="The name of an environment variable."
        )
        if st.form_submit_button("Add", icon=":material/add:"):
            _save({"id": model_id, "label": label, "key_variable": variable})


def _address() -> None:
    with st.form("models.address"):
        api_base = st.text_input("Address", placeholder="http://localhost:8000/v1", help="Speaks OpenAI's protocol.")
        served = st.text_input("Model there", placeholder="the name the server knows it by")
        label = st.text_input("Name shown", help="Empty for its id.")
        variable = st.text_input(
            "Variable of its key",
            placeholder="none",
            help="An environment variable of its own: a provider's key is never sent to another address.",
        )
        form = st.radio(
            "It takes", ["chat", "completion"], captions=["turns of a chat", "raw text to go on with"], horizontal=True
        )
        context = st.number_input("Longest prompt plus reply (tokens)", min_value=1, value=None, step=1)
        if st.form_submit_button("Add", icon=":material/add:"):
            settings = {"label": label, "key_variable": variable, "format": form, "context_tokens": context}
            _save({"id": f"openai/{served.strip()}", "api_base": api_base, **settings})


def _file() -> None:
    with st.form("models.file"):
        path = st.text_input("Path", placeholder="/path/to/model.gguf", help="On the computer the dashboard runs on.")
        st.caption(
            "It is served on this computer, with as many samples side by side as the small model that comes along."
        )
        if st.form_submit_button("Add", icon=":material/add:"):
            _save({"id": f"local:{path.strip()}"})


def limits(found: Mapping[str, Model]) -> None:
    """Sets how fast a provider or an address may be called."""
    st.markdown(
        "What a provider allows, for all its models together; runs wait rather than go beyond it. Empty for no limit."
    )
    lanes = sorted({catalogue.lane(model) for model in found.values() if model.provider not in ("local", "sim")})
    try:
        held = added.held().limits
    except InputError:
        st.info("Set the file above right first.")
        return
    stated = [{"Provider or address": name, **rates.model_dump()} for name, rates in held.items()]
    if stated:
        st.dataframe(stated, hide_index=True)
    if not lanes or not access.gate("set limits"):
        return
    name = st.selectbox("Provider or address", [*lanes, *(each for each in held if each not in lanes)])
    with st.form("models.limits"):
        columns, now = st.columns(len(_RATES)), held.get(name, added.Rates())
        given = {
            field: _rate(column, title, f"models.{field}.{name}", getattr(now, field))
            for column, (field, title) in zip(columns, _RATES.items(), strict=True)
        }
        if st.form_submit_button("Save", icon=":material/save:"):
            _attempt(lambda: added.limit(name, given), f"Saved the limits of {words.plain(name)}.")


def _rate(column: Any, title: str, key: str, now: int | None) -> int | None:
    """A field that can be emptied again: one drawn with a value would go back to it."""
    st.session_state.setdefault(key, now)
    given: int | None = column.number_input(title, min_value=1, value=None, step=1, key=key)
    return given


def prices(found: Mapping[str, Model]) -> None:
    """All price rows, and a form for one's own."""
    try:
        mine = pricing.own_prices()
    except InputError:
        st.info("Set the file above right first.")
        return
    st.markdown(
        "US dollars per million tokens, each from a day on; the newest row whose day has come holds, and of one day "
        "yours. Runs keep the prices they were made with. A model without a row costs *unknown*, not 0."
    )
    st.dataframe([_priced(row, row in mine) for row in pricing.load_prices()], hide_index=True)
    if not access.gate("change prices"):
        return
    _price_form([name for name, model in found.items() if model.provider not in ("local", "sim")])
    if mine:
        with st.popover("Remove one of yours", icon=":material/delete:"):
            row = st.selectbox("Row", mine, format_func=lambda each: f"{each.model} from {each.valid_from}")
            if st.button("Remove", key="models.price.remove"):
                _attempt(lambda: pricing.drop_price(row.model, row.valid_from), "Removed the price.")


def _priced(row: Price, own_row: bool) -> dict[str, Any]:
    return {
        "Model": row.model,
        "From": row.valid_from,
        "Prompt": row.input_usd,
        "Reply": row.output_usd,
        "Cached prompt": row.cached_usd,
        "Written to cache": row.cache_write_usd,
        "By": "you" if own_row else "Four Dials",
        "Source": row.source,
    }


def _price_form(models: list[str]) -> None:
    with st.form("models.price"):
        model = st.selectbox("Model", models, accept_new_options=True)
        day = st.date_input("Holds from", value=datetime.date.today())
        columns = st.columns(4)
        fields = ("Prompt", "Reply", "Cached prompt", "Written to cache")
        fresh, reply, cached, written = (
            column.number_input(f"{name}, USD", min_value=0.0, value=None, format="%.4g", key=f"models.price.{name}")
            for column, name in zip(columns, fields, strict=True)
        )
        source = st.text_input("Source", placeholder="where it was read, and when")
        if st.form_submit_button("Save the price", icon=":material/save:"):
            if fresh is None or reply is None:
                st.error("Give what prompt and reply cost.", icon=":material/block:")
            else:
                row = Price(model or "", day.isoformat(), fresh, reply, cached, written, source)
                _attempt(lambda: pricing.add_price(row), f"Saved the price of {words.plain(row.model)}.")
