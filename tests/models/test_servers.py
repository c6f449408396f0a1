"""Servers on this computer are found by what they answer at loopback; anything else is passed over quickly."""

import socket
import time

from fourdials.models import catalogue, servers
from tests.loopback import Loopback


async def found(ports):
    import asyncio

    return await asyncio.to_thread(servers.find, ports)


async def test_a_server_is_found_with_its_kind_and_models():
    async with Loopback(models=[{"id": "org/model-7b", "owned_by": "vllm"}]) as server:
        [seen] = await found([server.port])
    assert (seen.api_base, seen.kind, seen.models) == (server.api_base, "vLLM", ("org/model-7b",))


async def test_what_it_lists_can_be_added_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    async with Loopback(models=[{"id": "org/model-7b", "owned_by": "llamacpp"}]) as server:
        [seen] = await found([server.port])
    model = catalogue.add(servers.entry(seen, seen.models[0]))
    assert (model.id, model.api_base, model.key_variable) == ("hosted_vllm/org/model-7b", server.api_base, None)
    assert catalogue.missing(model) is None
    ollama = servers.Server("http://127.0.0.1:11434/v1", "Ollama", ("llama3.2:latest",))
    assert catalogue.add(servers.entry(ollama, "llama3.2:latest")).id == "ollama_chat/llama3.2:latest"


async def test_ids_that_could_not_be_called_or_shown_are_left_out():
    strange = [
        {"id": "two words"},
        {"id": ""},
        {"id": 3},
        {"id": "x" * 500},
        {"id": "a\nb"},
        "no table",
        {"id": "good"},
    ]
    async with Loopback(models=strange) as server:
        [seen] = await found([server.port])
    assert seen.models == ("good",)


def test_closed_ports_and_ports_that_say_nothing_are_passed_over_in_a_moment():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed = socket.create_server(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        began = time.monotonic()
        assert servers.find([port, silent.getsockname()[1]]) == []
        assert time.monotonic() - began < 30  # not forever: the silent one was given up


async def test_a_server_that_answers_something_else_is_none():
    from aiohttp import web

    async def page(request):
        return web.Response(text="<html>hello</html>")

    app = web.Application()
    app.router.add_get("/v1/models", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert await found([site._server.sockets[0].getsockname()[1]]) == []
    await runner.cleanup()
