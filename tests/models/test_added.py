"""What a person adds to the catalogue: entries, limits, what tests settled; and what a bad file leaves usable."""

import pytest

from fourdials.errors import InputError
from fourdials.models import added, catalogue
from tests.models.test_catalogue import gguf

HERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    return tmp_path


def test_an_added_model_stands_behind_those_that_come_along():
    before = list(catalogue.catalogue())
    catalogue.add({"id": "mistral/new", "label": "The new one", "context_tokens": 9000})
    assert list(catalogue.catalogue()) == [*before, "mistral/new"]
    model = catalogue.resolve("mistral/new")
    assert (model.label, model.context_tokens, model.key_variable) == ("The new one", 9000, "MISTRAL_API_KEY")
    added.drop("mistral/new")
    assert list(catalogue.catalogue()) == before


def test_an_address_takes_the_key_named_for_it_and_no_other():
    model = catalogue.add({"id": "openai/mine", "api_base": HERE, "key_variable": "MY_KEY", "format": "completion"})
    assert (model.api_base, model.key_variable, model.format) == (HERE, "MY_KEY", "completion")
    assert catalogue.add({"id": "openai/keyless", "api_base": HERE}).key_variable is None


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "GROQ_API_KEY"])
def test_a_provider_s_own_key_is_never_sent_to_another_address(variable, home):
    with pytest.raises(InputError, match=f"{variable} belongs to a provider"):
        catalogue.add({"id": "openai/mine", "api_base": "https://example.org/v1", "key_variable": variable})
    assert not (home / added.FILE).exists()


def test_two_addresses_can_serve_the_same_model_under_two_names():
    catalogue.add({"id": "openai/q@one", "litellm_id": "openai/q", "api_base": HERE})
    assert catalogue.resolve("openai/q@one").litellm_id == "openai/q"
    with pytest.raises(InputError, match="another provider"):
        catalogue.add({"id": "openai/q@two", "litellm_id": "groq/q"})


def test_a_gguf_file_can_be_kept_and_one_that_is_gone_only_goes_missing(tmp_path):
    file = gguf(tmp_path / "toy.gguf", chat=True)
    catalogue.add({"id": f"local:{file}"})
    assert f"local:{file}" in catalogue.catalogue()
    file.unlink()
    assert f"local:{file}" not in catalogue.catalogue()
    assert "there is no file" in catalogue.troubles()[0]


def test_what_a_test_settles_is_used_and_adds_up():
    catalogue.add({"id": "openai/gpt-5.4-mini", "capabilities": {"n": "yes"}, "samples_per_request": 4})
    model = catalogue.add({"id": "openai/gpt-5.4-mini", "capabilities": {"seed": "no"}, "tested": "2026-11-22"})
    assert (model.capabilities["n"], model.capabilities["seed"], model.samples_per_request) == ("yes", "no", 4)
    assert model.capabilities["effort"] == "yes"  # what came along stays
    assert added.held().models[model.id].tested == "2026-11-22"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"id": "no provider"}, "no model is called"),
        ({"id": "openai/x", "api_base": "localhost"}, "no address"),
        ({"id": "openai/x", "context_tokens": 0}, "context_tokens"),
        ({"id": "openai/x", "nonsense": 1}, "nonsense"),
        ({"id": "openai/x", "key_variable": "no name"}, "key_variable"),
        ({"id": "openai/x", "capabilities": {"magic": "yes"}}, "capabilities are"),
        ({"id": "sim/default"}, "needs no entry"),
        ({"id": catalogue.DEFAULT_LOCAL}, "needs no entry"),
        ({"id": "local:/no/such.gguf"}, "there is no file"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_and_leaves_no_trace(values, said, home):
    with pytest.raises(InputError, match=said):
        catalogue.add(values)
    assert not (home / added.FILE).exists()


def test_limits_hold_for_every_model_of_a_provider_but_not_at_another_address():
    added.limit("openai", {"requests_per_minute": 30, "tokens_per_minute": None, "concurrency": 2})
    model = catalogue.resolve("openai/anything")
    assert (model.requests_per_minute, model.tokens_per_minute, model.concurrency) == (30, None, 2)
    elsewhere = catalogue.customise(model, api_base=HERE)
    assert elsewhere.requests_per_minute is None
    assert catalogue.resolve("groq/x").requests_per_minute is None
    added.limit("openai", {"requests_per_minute": None})
    assert catalogue.resolve("openai/anything").requests_per_minute is None


def test_limits_of_an_address_hold_there_and_a_model_s_own_come_first():
    added.limit(HERE, {"requests_per_minute": 7})
    catalogue.add({"id": "openai/mine", "api_base": HERE})
    catalogue.add({"id": "openai/slow", "api_base": HERE, "requests_per_minute": 3})
    assert catalogue.resolve("openai/mine").requests_per_minute == 7
    assert catalogue.resolve("openai/slow").requests_per_minute == 3
    assert catalogue.customise(catalogue.resolve("openai/x"), api_base=f"{HERE}/").requests_per_minute == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[models]\n", "cannot be read"),
        ('[[models]]\nid = "openai/x"\nwhat = 1\n', "models.0.what"),
        ('[[models]]\nid = "openai/x"\n[[models]]\nid = "openai/x"\n', "twice"),
        ("[limits.openai]\nconcurrency = -1\n", "limits.openai.concurrency"),
    ],
)
def test_a_bad_file_says_where_and_only_what_it_cannot_touch_stays_usable(text, said, home):
    (home / added.FILE).write_text(text)
    assert list(catalogue.catalogue()) == [catalogue.DEFAULT_LOCAL, "sim/default"]
    [trouble] = catalogue.troubles()
    assert said in trouble
    assert str(home / added.FILE) in trouble
    with pytest.raises(InputError, match=r"models\.toml"):
        catalogue.resolve("openai/gpt-4.1-mini")
    with pytest.raises(InputError):
        catalogue.add({"id": "openai/y"})
    assert (home / added.FILE).read_text() == text


def test_a_bad_entry_is_left_out_alone(home):
    (home / added.FILE).write_text('[[models]]\nid = "bedrock/x"\napi_base = "https://example.org"\n')
    assert "openai/gpt-4.1-mini" in catalogue.catalogue()
    assert "bedrock/x" not in catalogue.catalogue()
    assert "cannot be sent to an address" in catalogue.troubles()[0]
