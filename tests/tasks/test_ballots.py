"""Ballots of tables of one's own, by how they are graded."""

import pytest

from fourdials import plugins

TABLE = 'question,answer,choices\nWhich?,{answer},"a cat|a dog|a bird"\n'


@pytest.mark.parametrize(
    ("grader", "answer", "same", "others"),
    [
        ("exact", "Ann Lee", ["ann lee", "Ann  Lee.", '"Ann Lee"'], ["Ann", "Lee Ann"]),
        ("choice", "B", ["b", "a dog", "B: a dog", "A dog."], ["A", "a cat", "neither"]),
        ("number", "1200", ["1,200", "1200.0", "+1200", "1.2e3"], ["12", "1200 m", "1e999999999"]),
        ("math", "2x + 1", ["$2x + 1$", " 2x +  1"], ["2X + 1", "2x"]),
        ("regex", "^Ann$", ["^Ann$ "], ["^ann$"]),
        ("judge", "Ann", ["ann", "Ann."], ["Bob"]),
    ],
)
def test_a_table_counts_votes_as_its_grader_reads_answers(tmp_path, grader, answer, same, others):
    path = tmp_path / "table.csv"
    path.write_text(TABLE.format(answer=answer), encoding="utf-8")
    task = plugins.tasks()["dataset"]
    [problem] = task.problems(task.Params(path=str(path), grader=grader, shots=0), 1, 0)
    ballot = plugins.ballot_of(task, problem)
    assert {ballot(text) for text in (answer, *same)} == {ballot(answer)}
    assert ballot(answer) not in {ballot(text) for text in others}
