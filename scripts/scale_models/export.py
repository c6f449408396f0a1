"""Writes a network as a GGUF file that llama.cpp reads to the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import torch
from scale_models.lessons import SPECIAL, VOCABULARY
from scale_models.network import EPSILON, Network

BYTES = 256


def write(network: Network, name: str, path: Path, vocabulary: Sequence[str] = VOCABULARY) -> None:
    """Writes the file. Every character is a token; the 256 byte tokens catch all others. `vocabulary` begins with the
    special ones.

    Without byte tokens llama.cpp fails on a character it does not know. Their rows are copies of `<unk>`, so they are
    never the likeliest token.
    """
    shape = network.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.theta)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer, vocabulary)
    weights = {key: value.detach() for key, value in network.named_parameters()}
    table = weights.pop("token_embd.weight")
    padded = torch.cat([table, table[:1].expand(BYTES, -1)])
    for key, value in {"token_embd.weight": padded, **weights}.items():
        writer.add_tensor(key, value.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: Sequence[str]) -> None:
    kinds = gguf.TokenType
    plain = len(vocabulary) - len(SPECIAL)
    writer.add_vocab_size(len(vocabulary) + BYTES)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(
        [*(piece.encode() for piece in vocabulary), *(f"<0x{byte:02X}>".encode() for byte in range(BYTES))]
    )
    writer.add_token_types(
        [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.NORMAL] * plain, *[kinds.BYTE] * BYTES]
    )
    writer.add_token_scores([0.0] * len(SPECIAL) + [-float(rank) for rank in range(plain)] + [-1e3] * BYTES)
    writer.add_unk_token_id(vocabulary.index("<unk>"))
    writer.add_bos_token_id(vocabulary.index("<s>"))
    writer.add_eos_token_id(vocabulary.index(";"))
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
