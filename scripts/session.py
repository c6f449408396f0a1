"""A reader's session as a browser holds it, without drawing anything: the page's texts, fields and buttons.

A class of thirty is too many browsers for one computer, but not too many sessions. The server sees no difference:
scripts run, deltas are sent, and fragments that tick are asked for again. Used by bench_class.py.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

_TEXTS = ("markdown", "alert", "text", "heading")
_FIELDS = ("number_input", "button")


class Sessions:
    """A thread with an event loop in which sessions live."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opened: list[Session] = []
        return self

    def __exit__(self, *reason: object) -> None:
        for each in self._opened:
            self.run(each.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, Any], patience_s: float = 300) -> Any:
        """Waits for something done in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(patience_s)

    def open(self, address: str) -> Session:
        """A reader who opens the plain address."""
        session = Session()
        self.run(session.open(address))
        self._opened.append(session)
        return session


class Session:
    """One reader. All methods but the constructor run in the loop of `Sessions`."""

    def __init__(self) -> None:
        self.texts: set[str] = set()  # all it was ever shown, in the run of the script that goes on now
        self.fields: dict[tuple[str, str], str] = {}  # kind and label → widget id
        self._page, self._query = "", ""
        self._values: dict[str, float] = {}
        self._ticks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Condition()

    async def open(self, address: str) -> None:
        """Connects and has the page's script run for the first time."""
        to = address.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: ClientConnection = await connect(to, subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
        self._listening = asyncio.create_task(self._listen())
        await self._rerun()

    async def close(self) -> None:
        """Goes away without a word, as a phone does."""
        for task in (self._listening, *self._ticks.values()):
            task.cancel()
        await self._socket.close()

    async def until(self, seen: Callable[[Self], bool]) -> None:
        """Waits until something is on the page."""

        async def waiting() -> None:
            async with self._changed:
                await self._changed.wait_for(lambda: seen(self))

        found = asyncio.create_task(waiting())
        await asyncio.wait({found, self._listening}, return_when=asyncio.FIRST_COMPLETED)
        if not found.done():
            found.cancel()
            await self._listening  # says why
            raise ConnectionError("the server ended this session")

    async def write(self, label: str, value: float) -> None:
        """Puts a number into a field, as leaving it does."""
        self._values[self.fields["number_input", label]] = value
        await self._rerun()

    async def press(self, label: str) -> None:
        """Presses a button."""
        await self._rerun(pressed=self.fields["button", label])

    async def _rerun(self, pressed: str = "", fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._page
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        for widget, value in self._values.items():
            state.widget_states.widgets.add(id=widget, double_value=value)
        if pressed:
            state.widget_states.widgets.add(id=pressed, trigger_value=True)
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        async for raw in self._socket:
            message = ForwardMsg.FromString(raw if isinstance(raw, bytes) else raw.encode())
            async with self._changed:
                self._take(message)
                self._changed.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session" and not message.metadata.run.fragment_ids:
            self._page = message.new_session.page_script_hash
            self.texts.clear()
            self.fields.clear()
            for task in self._ticks.values():
                task.cancel()
            self._ticks.clear()
        elif kind == "script_finished":  # a field that is gone is forgotten, as a browser does
            self._values = {widget: value for widget, value in self._values.items() if widget in self.fields.values()}
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            tick = message.auto_rerun
            if tick.fragment_id not in self._ticks:
                self._ticks[tick.fragment_id] = asyncio.create_task(self._tick(tick.fragment_id, tick.interval))
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            shown = element.WhichOneof("type")
            if shown in _TEXTS:
                self.texts.add(element.heading.body if shown == "heading" else getattr(element, shown).body)
            elif shown in _FIELDS:
                field = getattr(element, shown)
                self.fields[shown, field.label] = field.id

    async def _tick(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(fragment=fragment)
