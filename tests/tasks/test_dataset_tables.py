"""Tables as spreadsheets write them: parted by semicolons or tabs, or in an encoding that cannot be read."""

import pytest

from fourdials.errors import InputError
from fourdials.tasks import dataset


def rows(path):
    return [(p.text, p.reference) for p in dataset.problems(dataset.Params(path=str(path), shots=0), 2, 3)]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_header_tells_how_columns_are_parted(tmp_path, name, mark):
    path = tmp_path / name
    path.write_text(f'question{mark}answer\n"Who, Ann; or\tBob?"{mark}Ann\nHow?{mark}"1; 2, 3"\n')
    assert sorted(rows(path)) == [("How?", "1; 2, 3"), ("Who, Ann; or\tBob?", "Ann")]


def test_a_semicolon_in_a_header_of_several_columns_parts_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("question,answer,a;b\n1?,x,y\n2?,z,\n")
    assert sorted(rows(path)) == [("1?", "x"), ("2?", "z")]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_another_encoding_is_said_to_be_one_and_what_to_do(tmp_path, name):
    path = tmp_path / name
    text = {"a.csv": "question,answer\nWo liegt Köln?,Rhein\n", "a.jsonl": '{"question": "Köln?", "answer": "1"}\n'}
    path.write_bytes(text[name].encode("latin-1"))
    with pytest.raises(InputError, match=r"cannot be read as .*(utf|UTF)-8.*; save it with the encoding UTF-8"):
        rows(path)
    path.write_text(text[name] + text[name].splitlines(keepends=True)[-1], encoding="utf-8")
    assert "Köln" in rows(path)[0][0]
