"""Testing a model from its page: what it may cost first, then the command line in the background, then what it found.

The calls run in a process of their own, since they need litellm; it keeps what it settles. One test goes at a time for
each model, and goes on if the page is left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from fourdials import capabilities
from fourdials.errors import InputError
from fourdials.figures import numbers
from fourdials.home import home
from fourdials.models import catalogue
from fourdials.models.redaction import redacted
from fourdials.records import Model
from fourdials.ui import access, model_page, words

WITHIN_S = 900
_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class _Test:
    """One test on its way or done: what the command printed, or why it failed."""

    thread: threading.Thread | None = None
    found: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def going(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def begin(self, model: Model, settle: bool) -> None:
        """Starts the command unless it is going on."""
        if self.going:
            return
        self.found, self.error = {}, ""
        command = [sys.executable, "-m", "fourdials", "models", "test", model.id, "--json"]
        command += ["--settle"] if settle else []
        environment = {**os.environ, "FOURDIALS_HOME": str(home())}
        self.thread = threading.Thread(
            target=self._run, args=(command, environment, model.key_variable), name="model test", daemon=True
        )
        self.thread.start()

    def _run(self, command: Sequence[str], environment: dict[str, str], key_variable: str | None) -> None:
        try:
            done = subprocess.run(
                command,
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=WITHIN_S,
            )
            self.found = json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            self.error = f"The test took longer than {WITHIN_S // 60} minutes and was ended."
        except (IndexError, ValueError):
            self.error = redacted(done.stderr.strip()[-1000:], key_variable) or "The test ended without a word."


@st.cache_resource(show_spinner=False, max_entries=64)
def _test(folder: str, model_id: str) -> _Test:
    return _Test()


def offer(model: Model) -> None:
    """What a test may cost, the buttons that approve it, and what the last one found."""
    st.markdown("**Try it**")
    test = _test(str(home()), model.id)
    if catalogue.missing(model) is not None:
        st.caption("It can be tested once it can be used.")
    elif access.gate("test models"):
        _buttons(model, test)
    if test.going:
        _watch(model.id)
    elif test.error:
        st.error("The test failed; nothing was changed.", icon=":material/error:")
        st.code(test.error, language=None, wrap_lines=True)
    elif test.found:
        _show(test.found)


def _buttons(model: Model, test: _Test) -> None:
    open_questions = capabilities.unsettled(model)
    try:
        one, all_of_it = (capabilities.forecast(model, features) for features in ((), open_questions))
    except InputError as error:  # the person's price file is bad
        st.caption(words.plain(str(error)))
        return
    st.caption(f"One call sees whether it answers: {_bound(one)}.")
    _button("Test with one call", model, test, False)
    if open_questions:
        names = ", ".join(model_page.FEATURES[name][0] for name in open_questions)
        st.caption(f"Unknown of it: {names}. A few small calls find out: {_bound(all_of_it)}.")
        _button("Find out what is unknown", model, test, True)


def _button(label: str, model: Model, test: _Test, settle: bool) -> None:
    icon = ":material/science:" if settle else ":material/send:"
    pressed = st.button(label, icon=icon, disabled=test.going, key=f"models.test.{settle}")
    if pressed:
        access.require()
        test.begin(model, settle)


def _bound(cost: capabilities.Cost) -> str:
    dollars = "dollars unknown" if cost.usd is None else words.plain(numbers.usd(cost.usd))
    return f"at most {words.plural(cost.calls, 'call')}, {words.count(cost.tokens)} tokens, {dollars}"


@st.fragment(run_every=0.5)
def _watch(model_id: str) -> None:
    if not _test(str(home()), model_id).going:
        st.rerun()
    st.info("Testing … the first call takes some seconds, while its libraries load.", icon=":material/hourglass_top:")


def _show(found: dict[str, Any]) -> None:
    st.success(f"It answered in {numbers.seconds(found['seconds'])}.", icon=":material/check:")
    st.code(found["reply"][:2000] or "(an empty reply)", language=None, wrap_lines=True)
    if found["findings"]:
        rows = [
            {"": model_page.FEATURES[each["feature"]][0], "Found": each["support"], "Why": each["why"]}
            for each in found["findings"]
        ]
        st.dataframe(rows, hide_index=True, column_config={"Why": st.column_config.TextColumn(width="large")})
    dollars = "dollars unknown" if found["usd"] is None else words.plain(numbers.usd(found["usd"]))
    tokens = "tokens unknown" if found["tokens"] is None else f"{words.count(found['tokens'])} tokens"
    st.caption(f"Used: {words.plural(found['calls'], 'call')}, {tokens}, {dollars}.")
