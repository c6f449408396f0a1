"""Problems from a table: read from each kind of file, graded five ways, wrong cells named by row and column."""

import asyncio
import json
import threading

import polars as pl
import pytest

from fourdials import spec
from fourdials.errors import GraderError, InputError
from fourdials.grading import extract
from fourdials.records import TaskChoice
from fourdials.tasks import _judging, dataset
from tests.scripted import arm, model


def table(folder, rows, name="table.jsonl"):
    path = folder / name
    frame = pl.DataFrame(rows)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return str(path)


def some(path, count=1, seed=3, **params):
    return dataset.problems(dataset.Params(**{"path": path, "shots": 0, **params}), count, seed)


def outcome(folder, answer, given, **params):
    (problem,) = some(table(folder, [{"question": "?", "answer": answer}]), **params)
    return dataset.grade(problem, given).outcome


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_every_kind_of_file_gives_the_same_problems(tmp_path, name):
    rows = [{"ask": f"What is {n} + 1?", "right": n + 1, "level": n} for n in range(5)]
    problems = some(table(tmp_path, rows, name), 5, question="ask", answer="right", difficulty="level", grader="number")
    found = sorted((problem.difficulty, problem.text, problem.reference, problem.problem_id) for problem in problems)
    assert found == [(n, f"What is {n} + 1?", str(n + 1), f"row-{n + 1}") for n in range(5)]


@pytest.mark.parametrize(
    ("grader", "reference", "right", "wrong", "more"),
    [
        ("exact", "Vera Lund", "vera  lund.", "Vera", {}),
        ("number", "1,200.50", "1200.5", "1200", {}),
        ("number", "10", "10.4", "10.6", {"tolerance": 0.5}),
        ("number", "-200", "-202", "-203", {"relative_tolerance": 0.01}),
        ("number", "1", "1.3", "1.31", {"tolerance": 0.3}),
        ("number", "2/6", "1/3", "0.3333", {}),
        ("number", "1/3", "0.333", "0.3", {"tolerance": 0.001}),
        ("number", "3.14", "3.14", "3,14", {}),
        ("number", "5", "5.0", "9" * 6000, {}),
        ("regex", r"(19|20)\d\d", "1999", "1899", {}),
    ],
)
def test_graders_by_hand(tmp_path, grader, reference, right, wrong, more):
    assert outcome(tmp_path, reference, right, grader=grader, **more) == "correct"
    assert outcome(tmp_path, reference, wrong, grader=grader, **more) == "wrong"
    assert outcome(tmp_path, reference, "no idea", grader=grader, **more) == "wrong"


@pytest.mark.parametrize(
    ("reference", "reply"),
    [
        ("2", "1/2"),
        ("3", "10^3"),
        ("10", "Answer: 10^3"),
        ("1", "Answer: 1 200"),
        ("3", "Answer: 3,14"),
        ("5", "3 4/5"),
    ],
)
def test_a_number_is_not_found_right_by_a_part_of_it(tmp_path, reference, reply):
    (problem,) = some(table(tmp_path, [{"question": "?", "answer": reference}]), grader="number")
    asked = dataset.question(problem, "given", "chat")
    for prompt in (asked.answer, asked.think):
        answer = extract(prompt, reply)
        assert answer is None or dataset.grade(problem, answer).outcome == "wrong"


def test_a_choice_may_be_given_by_letter_or_words_and_is_asked_by_letter(tmp_path):
    path = table(tmp_path, [{"question": "Which?", "answer": "a cat", "choices": ["a dog", "a cat"]}])
    (problem,) = some(path, grader="choice")
    assert (problem.reference, dataset.chance(problem)) == ("B", 0.5)
    prompt = dataset.question(problem, "given", "chat").answer
    assert "A: a dog\nB: a cat" in prompt.shown
    assert extract(prompt, "It is B.") == "B"
    assert [dataset.grade(problem, given).outcome for given in ("B", "b", "A cat", "A")] == ["correct"] * 3 + ["wrong"]
    for given in ("B: a cat", "(B) a cat", "B) a cat", "**B**"):  # as models end a thought
        assert dataset.grade(problem, given).outcome == "correct"
    assert dataset.grade(problem, "A: a dog").outcome == "wrong"
    assert dataset.grade(problem, "A or B").outcome == "wrong"
    (lettered,) = some(table(tmp_path, [{"question": "?", "answer": "A", "choices": "x | y"}]), grader="choice")
    (vitamin,) = some(
        table(tmp_path, [{"question": "?", "answer": "C", "choices": "vitamin C | zinc | iron"}]), grader="choice"
    )
    assert dataset.grade(vitamin, "Vitamin C").outcome == "wrong", "an option's own words are that option"
    assert (lettered.reference, lettered.data["options"]) == ("A", ("x", "y"))


def test_options_that_differ_in_their_brackets_alone_are_told_apart(tmp_path):
    rows = [{"question": "?", "answer": "(0, 1]", "choices": ["[0, 1)", "(0, 1]", "c"]}]
    (problem,) = some(table(tmp_path, rows), grader="choice")
    given = ("B", "(0, 1]", "[0, 1)", "A", "0, 1")
    assert [dataset.grade(problem, answer).score for answer in given] == [1, 1, 0, 0, 0]
    (lettered,) = some(table(tmp_path, [{"question": "?", "answer": "b", "choices": "a|b"}]), grader="choice")
    assert [dataset.grade(lettered, answer).score for answer in ("B", "b", "a", "A")] == [1, 1, 0, 0]


def test_mathematics_is_compared_in_another_process_and_a_late_one_is_no_wrong_answer(tmp_path):
    pytest.importorskip("math_verify")
    assert outcome(tmp_path, "\\frac{1}{2}", "0.5", grader="math", time_limit_s=60) == "correct"
    assert outcome(tmp_path, "x^2+2x", "x(x+2)", grader="math", time_limit_s=60) == "correct"
    assert outcome(tmp_path, "x^2+2x", "x^2", grader="math", time_limit_s=60) == "wrong"
    assert outcome(tmp_path, "x^2+2x", "no idea", grader="math", time_limit_s=60) == "wrong"
    assert outcome(tmp_path, "abc", "cab", grader="math", time_limit_s=60) == "correct", "the documentation says so"
    with pytest.raises(GraderError, match="no mathematics in the reference"):
        outcome(tmp_path, "$$", "4", grader="math", time_limit_s=60)
    _judging._judge("math").close()


@pytest.mark.parametrize(
    ("reference", "right", "wrong"),
    [
        ("\\pi", "pi", "p"),
        ("2pi", "2\\pi", "2"),
        ("1000", "1e3", "1e2"),
        ("1e3x", "1e3x", "3x"),
        ("½", "0.5", "2"),
        ("3½", "\\frac{7}{2}", "31/2"),
        ("x²+1", "1+x^2", "x2+1"),
        ("−3", "-3", "3"),
        ("１２", "12", "1"),
        ("[0, 1)", "[0,1)", "(0,1]"),
    ],
)
def test_mathematics_is_read_in_the_letters_people_write_it_in(tmp_path, reference, right, wrong):
    pytest.importorskip("math_verify")
    assert outcome(tmp_path, reference, right, grader="math", time_limit_s=60) == "correct"
    assert outcome(tmp_path, reference, wrong, grader="math", time_limit_s=60) == "wrong"


def test_a_pattern_that_takes_forever_is_given_up_and_the_next_one_works(tmp_path):
    with pytest.raises(GraderError, match=r"regex grader gave no verdict within 0\.5 s"):
        outcome(tmp_path, "(a+)+b", "a" * 60, grader="regex", time_limit_s=0.5)
    assert outcome(tmp_path, "a+", "aaa", grader="regex") == "correct"


def test_a_process_that_ends_is_a_grader_error_with_its_last_words(tmp_path):
    with pytest.raises(GraderError, match=r"regex grader failed: re.*unterminated"):
        _judging.matches("(", "x", 20)
    _judging._judge("regex").close()


@pytest.mark.parametrize(
    ("rows", "params", "message"),
    [
        ([{"question": "?", "right": "1"}], {}, r"no column for answer = 'answer'; its columns are: question, right"),
        ([{"question": "?", "answer": "1"}], {"passages": "docs"}, "no column for passages = 'docs'"),
        ([{"question": "?", "answer": "1"}], {"grader": "choice"}, "no column for choices = 'choices'"),
        ([{"question": "?", "answer": "1"}, {"question": "!", "answer": " "}], {}, "row 2, column 'answer': is empty"),
        ([{"question": "?", "answer": "one"}], {"grader": "number"}, "row 1, column 'answer': 'one' is no number"),
        *(
            (
                [{"question": "?", "answer": given}],
                {"grader": "number"},
                rf"'{given}' is no number .* write it with a point",
            )
            for given in ("3,14", "0,5", "0,125", "1,23", "1.234,5", "nan", "inf", "1_0", "1e400", "1/0")
        ),
        ([{"question": "?", "answer": "("}], {"grader": "regex"}, r"row 1, column 'answer': '\(' is no pattern"),
        ([{"question": "?", "answer": "1", "choices": "1"}], {"grader": "choice"}, "column 'choices': has 1 options"),
        ([{"question": "?", "answer": "z", "choices": "x|y"}], {"grader": "choice"}, "'z' is none of: x, y"),
        (
            [{"question": "?", "answer": "Rome", "choices": "Rome|Oslo|rome"}],
            {"grader": "choice"},
            "column 'choices': 'Rome' and 'rome' differ in nothing but case and spacing",
        ),
        (
            [{"question": "?", "answer": "A", "choices": "B|A|C"}],
            {"grader": "choice"},
            "column 'choices': 'B' is option A and the letter of another, 'A', so that a reply of B could mean both",
        ),
        ([{"question": "?", "answer": "1", "difficulty": "hard"}], {}, "column 'difficulty': 'hard' is no number"),
        (
            [{"question": "?", "answer": "1", "id": "a"}] * 2,
            {},
            "row 2, column 'id': 'a' was already the name of row 1",
        ),
        ([{"question": "?", "answer": "1"}], {"shots": 1}, "1 rows, 1 of them kept as examples; 1 problems are wanted"),
    ],
)
def test_what_cannot_be_used_is_named_by_row_and_column(tmp_path, rows, params, message):
    with pytest.raises(InputError, match=message):
        some(table(tmp_path, rows), len(rows), **params)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"difficulty": float("nan")}, "row 2, column 'difficulty': nan orders nothing"),
        ({"difficulty": float("-inf")}, "row 2, column 'difficulty': -inf orders nothing"),
        (
            {"answer": {"text": "1"}},
            r"row 2, column 'answer': holds a table of its own \(a struct\); a text or a number",
        ),
        ({"question": b"?"}, "row 2, column 'question': holds bytes"),
        ({"question": ["?"]}, "row 2, column 'question': holds a list"),
        ({"passages": [{"text": "It is here."}]}, "row 2, column 'passages': holds a table"),
        ({"choices": b"a|b"}, "row 2, column 'choices': holds bytes"),
    ],
)
def test_cells_of_a_parquet_file_that_are_neither_text_nor_number_are_refused(tmp_path, row, message):
    plain = {"question": "?", "answer": "1", "other": b"not used"}
    empty = plain | dict.fromkeys(row.keys() - plain.keys()) if row.keys() - plain.keys() else plain
    rows = [plain | row, plain | row] if row.keys() & plain.keys() else [empty, plain | row]
    message = message.replace("row 2", "row 1") if row.keys() & plain.keys() else message
    with pytest.raises(InputError, match=message):
        some(table(tmp_path, rows, "a.parquet"), 2)


def test_files_that_cannot_be_read_say_so(tmp_path):
    with pytest.raises(InputError, match=r"there is no file 'nowhere\.csv'"):
        some("nowhere.csv")
    for name, text, message in (
        ("a.txt", "x", "must end in"),
        ("a.parquet", "x", "cannot be read as parquet"),
        ("a.csv", "", "cannot be read as csv"),
        ("b.csv", "question,answer\n", "has no rows"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=message):
            some(str(tmp_path / name))


def test_a_file_that_changed_is_read_again(tmp_path):
    path = table(tmp_path, [{"question": "?", "answer": "1"}])
    assert some(path)[0].reference == "1"
    assert some(table(tmp_path, [{"question": "?", "answer": "22"}]))[0].reference == "22"


@pytest.mark.parametrize("format", ["chat", "completion"])
def test_passages_are_shown_or_searched_but_not_both(format):
    problem = next(p for p in dataset.problems(dataset.Params(), 16, 3) if p.problem_id == "mill-3")
    own = problem.data["passages"]
    assert own == ("The mill of Dell stands on the river Wey.", "The river Wey flows into Lake Hark.")
    given, search = (dataset.question(problem, access, format) for access in ("given", "search"))
    assert all(passage in given.answer.shown and passage not in search.answer.shown for passage in own)
    found = dataset.search_tool(problem).search(search.steps.query(None), 3)
    assert own[0] in found
    prompt = search.steps.prompt(None, found)
    assert own[0] in prompt.shown
    assert (
        search.steps.answer(search.steps.advance(None, problem.truths[prompt.key])) == problem.reference == "Lake Hark"
    )


def test_searching_is_offered_where_there_is_something_to_search(tmp_path):
    rows = {"bare": {}, "empty": {"passages": ""}, "full": {"passages": "A lake."}, "renamed": {"docs": "A lake."}}
    paths = {
        name: table(tmp_path, [{"question": "?", "answer": "1", **more}], f"{name}.csv") for name, more in rows.items()
    }

    def offered(path, **params):
        return "search" in dataset.offers(dataset.Params(path=path, **params), "chat")

    assert [offered(path) for path in paths.values()] == [False, False, True, False]
    assert offered(paths["renamed"], passages="docs")
    assert offered(paths["bare"], retriever="mine.py:Mine")
    assert offered("https://example.org/table.csv"), "nothing is fetched to tell"
    task = TaskChoice("dataset", dataset.Params(path=paths["bare"]).model_dump(), 1)
    reason = spec.fit(arm("retrieve", "chat"), task, {"sim/scripted-chat": model("chat")})
    assert reason.startswith("retrieve needs search, which this task does not offer to chat models")
    assert reason.endswith("map a column to passages, name a retriever, or use given")


def test_without_passages_there_is_nothing_to_search(tmp_path):
    (problem,) = some(table(tmp_path, [{"question": "?", "answer": "1"}]))
    with pytest.raises(InputError, match="map a column to passages, name a retriever, or use given"):
        dataset.question(problem, "search", "chat")
    with pytest.raises(InputError, match="map a column to passages, name a retriever, or use given"):
        dataset.search_tool(problem)


def test_rows_shown_as_examples_are_the_same_for_every_seed_and_never_asked():
    first, second = (dataset.problems(dataset.Params(shots=4), 14, seed) for seed in (1, 2))
    assert first[0].data["shots"] == second[0].data["shots"]
    shown = {question for question, _ in first[0].data["shots"]}
    assert not shown & {problem.text for problem in first + second}
    assert all(f"Question: {text}\n" in dataset.question(first[0], "given", "completion").answer.text for text in shown)


@pytest.mark.parametrize("grader", ["exact", "regex", "judge"])
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_answers_of_several_lines_are_read_whole_and_can_be_right(tmp_path, grader, between):
    rows = [{"question": f"{n}?", "answer": f"line {n}{between}and more"} for n in range(4)] + [
        {"question": "one line?", "answer": "single"}
    ]
    for problem in some(table(tmp_path, rows, "a.csv"), 3, grader=grader, shots=2):
        for format in ("chat", "completion"):
            asked = dataset.question(problem, "given", format)
            for prompt, reply in ((asked.answer, "{}"), (asked.think, "I think.\nAnswer:\n{}")):
                if prompt is None:
                    continue
                reply = reply.format(problem.reference)
                assert not any(stop in reply for stop in prompt.stop), "the reply would be cut off"
                answer = extract(prompt, reply)
                assert answer == problem.reference
                assert grader == "judge" or dataset.grade(problem, answer).outcome == "correct"
    assert extract(dataset.question(some("data/example_problems.csv")[0], "given", "chat").answer, "one\ntwo") is None


def test_examples_of_choices_show_their_options(tmp_path):
    rows = [{"question": f"{n}?", "answer": "y", "choices": "x|y"} for n in range(3)]
    (problem,) = some(table(tmp_path, rows), grader="choice", shots=2)
    text = dataset.question(problem, "given", "completion").answer.text
    assert text.count("?\nA: x\nB: y\nAnswer:") == 3
    assert text.count("Answer: B") == 2


def test_clusters_come_from_their_column(tmp_path):
    rows = [{"question": f"{n}?", "answer": "1", "cluster": n // 2} for n in range(4)]
    assert sorted(problem.cluster_id for problem in some(table(tmp_path, rows), 4)) == ["0", "0", "1", "1"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_an_empty_cluster_cell_leaves_the_problem_on_its_own(tmp_path, name):
    rows = [{"question": f"{n}?", "answer": "1", "cluster": c} for n, c in enumerate(["", " ", None, "both", " both"])]
    found = sorted(problem.cluster_id for problem in some(table(tmp_path, rows, name), 5))
    assert found == ["both", "both", "row-1", "row-2", "row-3"]


@pytest.fixture
def served(tmp_path):
    """A folder on a loopback HTTP server, with its address."""
    from aiohttp import web

    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_static("/", tmp_path)
    runner = web.AppRunner(app)

    async def start():
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site._server.sockets[0].getsockname()[1]

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{port}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_a_table_is_read_from_its_url(served, name):
    folder, address = served
    table(folder, [{"question": "How many?", "answer": "007"}, {"question": "Who?", "answer": "Ann"}], name)
    problems = some(f"{address}/{name}?version=1", 2)
    assert sorted((problem.text, problem.reference) for problem in problems) == [("How many?", "007"), ("Who?", "Ann")]


def test_a_url_without_a_table_says_so(served):
    _, address = served
    with pytest.raises(InputError, match=r"nothing\.csv' cannot be read as csv: .*not found"):
        some(f"{address}/nothing.csv")


def test_a_path_on_a_hub_that_names_no_file_says_so():
    with pytest.raises(
        InputError, match=r"'hf://nonsense\.parquet' cannot be read as parquet: .?invalid Hugging Face path"
    ):
        some("hf://nonsense.parquet")
    with pytest.raises(InputError, match=r"cannot tell what 'hf://datasets/a/b/c' holds; its name must end in"):
        some("hf://datasets/a/b/c")


def test_every_grader_is_asked_the_same_rows(tmp_path):
    path = table(tmp_path, [{"question": f"{n}?", "answer": str(n)} for n in range(9)])
    asked = [
        [problem.problem_id for problem in some(path, 5, grader=grader, shots=2)]
        for grader in ("exact", "number", "regex", "judge")
    ]
    assert asked == [asked[0]] * 4
