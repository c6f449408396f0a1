"""The Models page: what can be used and why not, names of keys only, additions, limits, prices, and approved tests."""

import time

import pytest

from fourdials import prices
from fourdials.models import added, catalogue, servers
from fourdials.ui import access, model_tests
from tests.models.test_catalogue import gguf
from tests.pages.opened import page, shown

SECRET = "sk-do-not-show-this-0123456789"


@pytest.fixture(autouse=True)
def _fresh(home):
    yield
    model_tests._test.clear()


def by(elements, label):
    return next(each for each in elements if label in each.label)


def tables(app):
    return [frame.value for frame in app.dataframe]


def press(app, label):
    by(app.button, label).click().run()
    assert not app.exception, app.exception[0].message
    return app


def add(app, way):
    by(app.button_group, "What do you want to add?").set_value(way).run()
    return app


def test_every_model_is_listed_with_what_it_lacks(home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("GROQ_API_KEY", SECRET)
    table = tables(page("models"))[0]
    usable = dict(zip(table["Id"], table["Usable now"], strict=True))
    assert list(usable) == list(catalogue.catalogue())
    assert usable["openai/gpt-4.1-mini"] == "no: needs OPENAI_API_KEY"
    assert usable["groq/openai/gpt-oss-20b"] == "yes"
    assert usable["ollama_chat/llama3.2"] == "if its server is running"


def test_keys_are_shown_by_name_and_never_by_value(home, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", SECRET)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = page("models", models="Keys")
    rows = next(table for table in tables(app) if "Variable" in table)
    held = dict(zip(rows["Variable"], rows["Set"], strict=True))
    assert (held["GROQ_API_KEY"], held["OPENAI_API_KEY"]) == ("yes", "no")
    assert SECRET not in shown(app) + "".join(table.to_string() for table in tables(app))


def test_a_link_leads_to_one_model_and_what_is_unknown_stands_out(home):
    app = page("models", model="openai/gpt-5.4-mini")
    said = shown(app)
    assert by(app.selectbox, "Look at").value == "openai/gpt-5.4-mini"
    assert "several samples: unknown" in said
    assert "reasoning setting: yes" in said


def test_a_provider_s_model_is_added_and_a_wrong_id_says_what_is_allowed(home):
    app = add(page("models"), "hosted")
    by(app.text_input, "Id").set_value("not a model")
    press(app, "Add")
    assert "no model is called 'not a model'" in shown(app)
    assert not (home / added.FILE).exists()
    by(app.text_input, "Id").set_value("mistral/new")
    press(app, "Add")
    assert "Added." in app.success[0].value
    assert "mistral/new" in tables(app)[0]["Id"].to_list()


def test_an_address_is_added_with_a_key_of_its_own_only(home):
    app = add(page("models"), "address")
    by(app.text_input, "Address").set_value("https://lab.example/v1")
    by(app.text_input, "Model there").set_value("qwen")
    by(app.text_input, "Variable of its key").set_value("OPENAI_API_KEY")
    press(app, "Add")
    assert "OPENAI_API_KEY belongs to a provider" in shown(app)
    by(app.text_input, "Variable of its key").set_value("LAB_KEY")
    press(app, "Add")
    model = catalogue.resolve("openai/qwen")
    assert (model.api_base, model.key_variable) == ("https://lab.example/v1", "LAB_KEY")


def test_a_file_is_added(home, tmp_path):
    file = gguf(tmp_path / "toy.gguf", chat=True)
    app = add(page("models"), "file")
    by(app.text_input, "Path").set_value(str(file))
    press(app, "Add")
    assert f"local:{file}" in tables(app)[0]["Id"].to_list()


def test_a_server_found_here_is_added_with_its_address(home, monkeypatch):
    found = [servers.Server("http://127.0.0.1:8080/v1", "llama.cpp", ("one", "two"))]
    monkeypatch.setattr(servers, "find", lambda: found)
    app = press(page("models"), "Look for servers")
    by([box for box in app.selectbox if "found" in (box.key or "")], "Model").set_value("two").run()
    press(app, "Add it")
    assert catalogue.resolve("hosted_vllm/two").api_base == "http://127.0.0.1:8080/v1"


def test_no_server_is_said_so(home, monkeypatch):
    monkeypatch.setattr(servers, "find", lambda: [])
    assert "No server answered" in shown(press(page("models"), "Look for servers"))


def test_limits_are_set_for_a_provider_and_taken_back(home):
    app = page("models")
    by(app.selectbox, "Provider or address").set_value("openai").run()
    by(app.number_input, "Requests a minute").set_value(20)
    press(app, "Save")
    assert catalogue.resolve("openai/gpt-4.1-mini").requests_per_minute == 20
    by(app.selectbox, "Provider or address").set_value("openai").run()
    by(app.number_input, "Requests a minute").set_value(None)
    press(app, "Save")
    assert catalogue.resolve("openai/gpt-4.1-mini").requests_per_minute is None


def test_a_price_needs_its_source_and_then_holds(home):
    app = page("models")
    by(app.number_input, "Prompt, USD").set_value(0.5)
    by(app.number_input, "Reply, USD").set_value(2.0)
    by([box for box in app.selectbox if box.label == "Model"], "Model").set_value("openrouter/openai/gpt-oss-20b")
    press(app, "Save the price")
    assert "needs its source" in shown(app)
    assert prices.own_prices() == ()
    by(app.text_input, "Source").set_value("their page, read today")
    press(app, "Save the price")
    [row] = prices.own_prices()
    assert (row.model, row.input_usd, row.output_usd) == ("openrouter/openai/gpt-oss-20b", 0.5, 2.0)
    assert "$0.50 / $2" in tables(app)[0].to_string()
    press(app, "Remove")
    assert prices.own_prices() == ()


@pytest.mark.parametrize("name", ["models.toml", "prices.toml"])
def test_a_bad_file_is_named_and_the_page_still_works(home, name):
    (home / name).write_text("[[")
    app = page("models")
    said = shown(app)
    assert str(home / name) in said
    assert "cannot be read" in said
    assert catalogue.DEFAULT_LOCAL in tables(app)[0]["Id"].to_list()


@pytest.fixture
def started(monkeypatch):
    """The tests that would have been started, instead of starting them."""
    begun = []
    monkeypatch.setattr(model_tests._Test, "begin", lambda self, model, settle: begun.append((model.id, settle)))
    return begun


def test_a_test_says_what_it_may_cost_before_it_is_started(home, started, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    app = page("models", model="openai/gpt-5.4-mini")
    said = shown(app)
    assert r"at most 1 call, 288 tokens, \$0.0012" in said
    assert "A few small calls find out: at most 10 calls" in said
    assert started == []
    press(app, "Find out what is unknown")
    assert started == [("openai/gpt-5.4-mini", True)]


def test_a_model_that_lacks_its_key_cannot_be_tested(home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = page("models", model="openai/gpt-5.4-mini")
    assert "once it can be used" in shown(app)
    assert not [button for button in app.button if "Test" in button.label]


def test_nobody_without_the_launch_password_may_change_or_spend(home, started, monkeypatch):
    monkeypatch.setattr(access, "shared", lambda: True)
    monkeypatch.delenv(access.PASSWORD, raising=False)
    app = page("models", model="sim/default")
    assert not [button for button in app.button if button.label]
    assert "nobody can test models" in shown(app)
    assert "nobody can add models" in shown(app)


def test_a_simulated_model_is_really_tested_through_the_command_line(home):
    app = press(page("models", model="sim/default"), "Test with one call")
    deadline = time.monotonic() + 120
    while model_tests._test(str(home), "sim/default").going:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    app.run()
    said = shown(app)
    assert "It answered in" in app.success[0].value, said
    assert "Used: 1 call" in said


def test_a_test_that_fails_shows_why_without_the_key(home, monkeypatch):
    monkeypatch.setenv("LAB_KEY", SECRET)
    catalogue.add({"id": "openai/gone", "api_base": "http://127.0.0.1:9/v1", "key_variable": "LAB_KEY"})
    app = press(page("models", model="openai/gone"), "Test with one call")
    deadline = time.monotonic() + 120
    while model_tests._test(str(home), "openai/gone").going:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    app.run()
    said = shown(app)
    assert "connect to host 127.0.0.1:9" in said
    assert SECRET not in said
