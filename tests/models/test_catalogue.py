"""Ids become models: those of the file, any litellm id, local files, simulated ones; custom addresses stay safe."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from fourdials import capabilities, spec
from fourdials.errors import InputError, SpecError
from fourdials.models import catalogue, weights
from fourdials.models.gguf import read_gguf


def gguf(path: Path, *, chat: bool, context: int = 4096) -> Path:
    """A GGUF file with a header only: two tensors of 6 and 8 parameters."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    entries = [
        text("general.architecture") + struct.pack("<I", 8) + text("toy"),
        text("toy.context_length") + struct.pack("<II", 4, context),
        text("toy.list") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("toy.numbers") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
    ]
    if chat:
        entries.append(text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}"))
    tensors = [
        text("one") + struct.pack("<IQQIQ", 2, 2, 3, 0, 0),
        text("two") + struct.pack("<IQIQ", 1, 8, 0, 64),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
    path.write_bytes(head + b"".join(entries) + b"".join(tensors))
    return path


@pytest.mark.parametrize("model_id", list(catalogue.catalogue()))
def test_every_model_of_the_file_resolves_to_itself(model_id: str) -> None:
    model = catalogue.resolve(model_id)
    assert model.id == model_id
    assert model.capabilities.keys() == set(catalogue.FEATURES)
    assert set(model.capabilities.values()) <= {"yes", "no", "unknown"}
    assert model.samples_per_request == 1 or model.capabilities["n"] == "yes"


def test_the_default_local_model_is_a_real_one_with_calibrated_rates() -> None:
    model = catalogue.resolve(catalogue.DEFAULT_LOCAL)
    assert (model.format, model.parameters, model.provenance) == ("completion", 134_515_008, "real")
    assert model.prefill_tokens_per_s > model.decode_tokens_per_s > 0
    assert model.samples_per_request == model.concurrency == catalogue.SLOTS
    assert model.context_tokens == catalogue.SLOT_TOKENS


def test_a_provider_that_litellm_does_not_know_is_no_model() -> None:
    with pytest.raises(InputError, match=r"litellm knows no provider 'foo'; before the / goes one of ai21, anthropic"):
        catalogue.resolve("foo/bar")
    with pytest.raises(InputError, match=r"did you mean anthropic\?"):
        catalogue.resolve("antropic/claude")
    with pytest.raises(InputError, match="litellm knows no provider 'foo'"):
        capabilities.report("foo/bar", settle=False, dry_run=True)
    data = {"name": "x", "model": "foo/bar", "tasks": [{"name": "warmup"}], "arms": [{"strategy": "single"}]}
    with pytest.raises(SpecError, match="litellm knows no provider 'foo'"):
        spec.parse(data)


def test_the_providers_are_those_litellm_knows() -> None:
    code = "import litellm; print(*(getattr(name, 'value', name) for name in litellm.provider_list))"
    there = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run([sys.executable, "-c", code], env=there, capture_output=True, text=True, check=True)
    assert sorted(catalogue.providers()) == sorted(set(done.stdout.split()))


def test_any_litellm_id_resolves_with_unknown_capabilities_and_its_provider_s_key() -> None:
    model = catalogue.resolve("mistral/some-new-model")
    assert set(model.capabilities.values()) == {"unknown"}
    assert (model.provider, model.litellm_id, model.key_variable) == ("mistral", model.id, "MISTRAL_API_KEY")
    assert catalogue.resolve("nano-gpt/x").key_variable == "NANO_GPT_API_KEY"


@pytest.mark.parametrize("model_id", ["", "gpt", "local/other", "a b/c", "/x", "local:/no/such/file.gguf", "sim/what"])
def test_other_ids_are_refused_with_what_there_is(model_id: str) -> None:
    with pytest.raises(InputError) as caught:
        catalogue.resolve(model_id)
    assert model_id.removeprefix("local:") in str(caught.value)


@pytest.mark.parametrize(("chat", "format"), [(True, "chat"), (False, "completion")])
def test_a_local_file_takes_its_format_from_its_chat_template(tmp_path: Path, chat: bool, format: str) -> None:
    file = gguf(tmp_path / "toy.gguf", chat=chat, context=512)
    model = catalogue.resolve(f"local:{file}")
    assert (model.format, model.parameters, model.context_tokens) == (format, 14, 512)
    assert (model.file, model.litellm_id) == (str(file), "hosted_vllm/toy")
    assert catalogue.missing(model) is None
    file.unlink()
    assert "is gone" in catalogue.missing(model)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 something", b"GGUF", b"GGUF" + struct.pack("<IQQ", 3, 1, 5)])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.gguf"):
        read_gguf(file)


def test_a_missing_key_is_named_until_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    model = catalogue.resolve("openai/gpt-4.1-mini")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in catalogue.missing(model)
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    assert catalogue.missing(model) is None


@pytest.mark.parametrize("key", ["sk-12345\n", "sk 12345", "sk-über"])
def test_a_key_that_no_header_can_carry_is_named_before_the_run(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    reason = catalogue.missing(catalogue.resolve("openai/gpt-test"))
    assert reason is not None
    assert "OPENAI_API_KEY" in reason
    assert key.strip() not in reason


def test_missing_weights_are_named_until_they_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOURDIALS_HOME", str(tmp_path))
    model = catalogue.resolve(catalogue.DEFAULT_LOCAL)
    assert model.file == str(tmp_path / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert "fourdials.models.weights" in catalogue.missing(model)
    weights.path().parent.mkdir()
    with weights.path().open("wb") as file:
        file.truncate(weights.SIZE)
    assert catalogue.missing(model) is None


@pytest.mark.parametrize("model_id", ["sim/default", "ollama_chat/llama3.2", "ollama/qwen3"])
def test_simulated_and_loopback_models_need_no_key(model_id: str) -> None:
    assert catalogue.missing(catalogue.resolve(model_id)) is None


def test_a_server_without_an_address_asks_for_one() -> None:
    model = catalogue.resolve("hosted_vllm/x")
    assert "api_base" in catalogue.missing(model)
    assert catalogue.missing(catalogue.customise(model, api_base="http://localhost:8000/v1")) is None


def test_a_custom_address_drops_the_provider_s_key_and_takes_the_one_named_for_it() -> None:
    model = catalogue.resolve("openai/gpt-4.1-mini")
    assert catalogue.customise(model, api_base="https://example.org/v1").key_variable is None
    assert catalogue.customise(model, api_base="https://example.org/v1", key_variable="MINE").key_variable == "MINE"


def test_changes_land_on_the_model_and_leave_the_rest() -> None:
    model = catalogue.resolve("openai/gpt-4.1-mini")
    changed = catalogue.customise(model, concurrency=3, requests_per_minute=10, capabilities={"n": "no"})
    assert (changed.concurrency, changed.requests_per_minute) == (3, 10)
    assert changed.capabilities == {**model.capabilities, "n": "no"}
    assert (changed.key_variable, changed.api_base) == (model.key_variable, model.api_base)


@pytest.mark.parametrize(
    ("model_id", "changes", "said"),
    [
        ("openai/x", {"api_base": "localhost:8000"}, "no address"),
        ("openai/x", {"api_base": "ftp://example.org"}, "no address"),
        ("openai/x", {"api_base": "https://me:secret@example.org/v1"}, "must not hold a user name"),
        ("openai/x", {"api_base": "http://example.org/v1", "key_variable": "K"}, "unencrypted"),
        ("bedrock/x", {"api_base": "https://example.org/v1"}, "cannot be sent to an address"),
        ("local/smollm2-135m", {"api_base": "http://localhost:1/v1"}, "cannot be sent to an address"),
        ("sim/default", {"format": "completion"}, "format of its own"),
        ("openai/x", {"format": "completion"}, "raw prompts go to"),
        ("openai/x", {"format": "prose", "api_base": "http://localhost:1/v1"}, "must be chat or completion"),
        ("openai/x", {"capabilities": {"n": "maybe"}}, "must be yes, no or unknown"),
        ("openai/x", {"capabilities": {"magic": "yes"}}, "capabilities are"),
        ("openai/x", {"provenance": "real"}, "cannot be changed"),
    ],
)
def test_changes_that_make_no_sense_or_endanger_a_key_are_refused(model_id, changes, said) -> None:
    with pytest.raises(InputError, match=said):
        catalogue.customise(catalogue.resolve(model_id), **changes)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.9/v1", True),
        ("http://[::1]:80", True),
        ("https://localhost.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_addresses_are_told_from_others(address: str, here: bool) -> None:
    assert catalogue.is_loopback(address) is here


def test_the_catalogue_never_loads_litellm_or_the_local_server() -> None:
    code = (
        "import sys; from fourdials.models import catalogue as c; [c.missing(m) for m in c.catalogue().values()];"
        "sys.exit(bool({'litellm', 'xllamacpp'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
