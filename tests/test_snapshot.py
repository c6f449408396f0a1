"""Snapshots: what is written comes back the same, and nothing in a file from elsewhere is believed."""

import hashlib
import io
import json
import zipfile

import polars as pl
import pytest

from fourdials import query, snapshot, withheld
from fourdials.errors import InputError
from fourdials.store import Store
from fourdials.store.store import IMPORTED
from tests.ledger_rows import two_arms

TABLES = ("experiments", "arms", "problems", "trials", "checkpoints", "calls")


@pytest.fixture
def homes(tmp_path):
    """Opens the stores of homes by name; they see no recorded runs of the project."""
    opened = {}

    def open_(name):
        if name not in opened:
            opened[name] = Store(tmp_path / name, recorded=tmp_path / "none")
        return opened[name]

    yield open_
    for store in opened.values():
        store.close()


@pytest.fixture
def mine(homes):
    store = homes("mine")
    two_arms(problems=3).write(store.home)
    store.ingest()
    return store


@pytest.fixture
def file(mine, tmp_path):
    path = tmp_path / "run.fourdials"
    snapshot.write(mine, ["exp"], path)
    return path


def rebuilt(path, change=lambda name, data: data, manifest_too=True, extra=()):
    """A copy of a snapshot with changed parts, hashes put right so that only the change itself is wrong."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: change(name, archive.read(name)) for name in archive.namelist() if name != snapshot.MANIFEST}
        manifest = json.loads(change(snapshot.MANIFEST, archive.read(snapshot.MANIFEST)))
    if manifest_too:
        manifest["parts"] = [
            {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in sorted(parts.items())
        ]
        lines = "".join(f"{part['name']} {part['sha256']}\n" for part in manifest["parts"])
        manifest["content_id"] = hashlib.sha256(lines.encode()).hexdigest()
    out = path.with_name("changed.fourdials")
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(snapshot.MANIFEST, json.dumps(manifest))
        for name, data in [*parts.items(), *extra]:
            archive.writestr(name, data)
    return out


def with_table(table, edit):
    """A change that edits one table's frame."""

    def change(name, data):
        if name != f"{table}.parquet":
            return data
        buffer = io.BytesIO()
        edit(pl.read_parquet(io.BytesIO(data))).write_parquet(buffer)
        return buffer.getvalue()

    return change


def test_a_run_comes_back_from_another_home_row_for_row(mine, homes, file):
    theirs = homes("theirs")
    snapshot.install(file, theirs)
    for table in TABLES:
        rows = [store.frame(f"FROM {table} ORDER BY ALL") for store in (mine, theirs)]
        same = [frame.drop("provenance", "recorded", "origin", strict=False).to_dicts() for frame in rows]
        assert same[0] == same[1], table
    curve = [
        query.run(store, "curve_points", experiment_ids=["exp"], unit="total_tokens").to_dicts()
        for store in (mine, theirs)
    ]
    assert curve[0] == curve[1]


def test_an_imported_run_says_that_it_is_recorded_and_what_it_was(homes, file):
    theirs = homes("theirs")
    snapshot.install(file, theirs)
    row = query.run(theirs, "experiments").row(0, named=True)
    assert (row["recorded"], row["provenance"], row["origin"]) == (True, "recorded", "real")


def test_the_same_content_has_the_same_id_and_importing_it_twice_changes_nothing(mine, homes, file, tmp_path):
    again = snapshot.write(mine, ["exp"], tmp_path / "again.fourdials")
    assert again.content_id == snapshot.read(file).manifest.content_id
    theirs = homes("theirs")
    snapshot.install(file, theirs)
    version = theirs.version()
    snapshot.install(tmp_path / "again.fourdials", theirs)
    assert theirs.version() == version
    assert len(snapshot.installed(theirs.home)) == 1


def test_an_imported_snapshot_outlives_its_file_and_the_database_and_can_be_removed(homes, file):
    theirs = homes("theirs")
    manifest = snapshot.install(file, theirs)
    file.unlink()
    copy = Store(theirs.home, read_only_copy=True, recorded=theirs.home / "none")
    assert query.run(copy, "experiments")["experiment_id"].to_list() == ["exp"]
    copy.close()
    snapshot.remove(manifest.content_id, theirs)
    assert query.run(theirs, "experiments").is_empty()


def test_a_selection_holds_its_arms_only_and_still_counts_as_complete(mine, homes, tmp_path):
    path = tmp_path / "part.fourdials"
    arm = query.run(mine, "arms", experiment_ids=["exp"])["arm"][0]
    snapshot.write(mine, ["exp"], path, arms=[arm])
    theirs = homes("theirs")
    snapshot.install(path, theirs)
    assert theirs.frame("SELECT DISTINCT arm FROM trials")["arm"].to_list() == [arm]
    row = query.run(theirs, "experiments").row(0, named=True)
    assert row["planned_trials"] == row["trials_done"] == 3
    assert theirs.frame("SELECT count(*) FROM calls WHERE trial_id NOT IN (SELECT trial_id FROM trials)").item() == 0


def test_an_empty_selection_and_an_unknown_run_are_refused(mine, tmp_path):
    with pytest.raises(InputError, match="no trial is left"):
        snapshot.write(mine, ["exp"], tmp_path / "x.fourdials", arms=["nobody"])
    with pytest.raises(InputError, match="no run called 'other'"):
        snapshot.write(mine, ["other"], tmp_path / "x.fourdials")
    assert not (tmp_path / "x.fourdials").exists()


def test_texts_can_be_left_out_and_then_none_is_in_the_file(homes, tmp_path):
    store = homes("mine")
    ledger = two_arms(problems=2)
    ledger.call("exp/toy/p1/vote/0", reply="a secret reply", request={"parts": [["user", "a secret prompt"]]})
    ledger.write(store.home)
    store.ingest()
    path = tmp_path / "bare.fourdials"
    snapshot.write(store, ["exp"], path, texts=False)
    found = snapshot.read(path)
    assert not found.manifest.texts
    shown = "".join(str(frame.to_dicts()) for frame in found.tables.values())
    assert "secret" not in shown
    assert "What is p1" not in shown
    assert (
        found.tables["checkpoints"]["score"].to_list()
        == store.frame("FROM checkpoints ORDER BY ALL")["score"].to_list()
    )
    whole = tmp_path / "whole.fourdials"
    snapshot.write(store, ["exp"], whole)
    assert "secret" in str(snapshot.read(whole).tables["calls"].to_dicts())


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile warns while the bad file is made
@pytest.mark.parametrize(
    ("change", "extra", "said"),
    [
        (lambda name, data: data, [("../../evil.txt", b"x")], "it holds '../../evil.txt'"),
        (lambda name, data: data, [("trials.parquet", b"x")], "a part twice"),
        (with_table("trials", lambda t: t.with_columns(outcome=pl.lit("superb"))), (), "outcome is 'superb'"),
        (with_table("trials", lambda t: t.with_columns(score=pl.lit(7.0))), (), "outside 0 to 1"),
        (with_table("trials", lambda t: t.with_columns(experiment_id=pl.lit("mine"))), (), "which it does not hold"),
        (with_table("trials", lambda t: t.with_columns(more=pl.lit(1))), (), "does not know: more"),
        (with_table("trials", lambda t: t.drop("task")), (), "does not fit"),
        (with_table("trials", lambda t: t.with_columns(calls=pl.lit("many"))), (), "wrong type"),
        (with_table("trials", lambda t: t.with_columns(wall_s=pl.lit(float("nan")))), (), "not finite"),
        (with_table("checkpoints", lambda t: t.with_columns(trial_id=pl.lit("t"))), (), "which it does not hold"),
        (with_table("arms", lambda t: t.with_columns(levels=pl.lit('{"a": 1}'))), (), "in levels that does not fit"),
        (with_table("arms", lambda t: t.with_columns(knobs=pl.lit("not json"))), (), "that does not fit"),
        (with_table("experiments", lambda t: t.with_columns(spec=pl.lit("[" * 99999))), (), "that does not fit"),
        (with_table("experiments", lambda t: t.head(0)), (), "no experiment"),
        (lambda name, data: b"PAR1" if name == "calls.parquet" else data, (), "no readable Parquet"),
        (lambda name, data: data.replace(b'"format": 1', b'"format": 9'), (), "this version reads format 1"),
        (lambda name, data: data.replace(b'"texts": true', b'"texts": "<b>"'), (), "manifest is wrong at texts"),
    ],
)  # fmt: skip
def test_a_bad_file_says_what_is_wrong_and_changes_nothing(homes, file, change, extra, said):
    theirs = homes("theirs")
    bad = rebuilt(file, change, extra=extra)
    with pytest.raises(InputError, match=r"changed\.fourdials") as error:
        snapshot.install(bad, theirs)
    assert said in str(error.value)
    assert query.run(theirs, "experiments").is_empty()
    assert not list((theirs.home / IMPORTED).glob("*"))
    assert not (theirs.home.parent / "evil.txt").exists()


def test_a_changed_part_is_noticed_by_its_hash(homes, file):
    edit = with_table("trials", lambda t: t.with_columns(score=pl.lit(1.0)))
    with pytest.raises(InputError, match=r"larger than it says|does not have the SHA-256|damaged"):
        snapshot.read(rebuilt(file, edit, manifest_too=False))


def test_a_part_that_unpacks_to_more_than_it_says_is_cut_off(file):
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read(snapshot.MANIFEST))
    manifest["parts"] = [{"name": "trials.parquet", "sha256": "0" * 64, "size": 10}]
    bomb = file.with_name("bomb.fourdials")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(snapshot.MANIFEST, json.dumps(manifest))
        archive.writestr("trials.parquet", b"\0" * 50_000_000)
    with pytest.raises(InputError, match="larger than it says"):
        snapshot.read(bomb)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and then nothing"])
def test_something_else_is_not_taken_for_a_snapshot(tmp_path, content):
    path = tmp_path / "photo.fourdials"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no snapshot or is damaged"):
        snapshot.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        snapshot.read(tmp_path / "absent.fourdials")


def test_a_run_of_ones_own_is_not_replaced_by_an_imported_one(mine, file):
    with pytest.raises(InputError, match="is here already"):
        snapshot.install(file, mine)
    assert query.run(mine, "experiments")["recorded"].to_list() == [False]


def test_rows_that_carry_ids_of_another_run_here_are_refused(mine, homes, file, tmp_path):
    rename = {"experiment_id": pl.lit("other")}

    def change(name, data):
        if name == snapshot.MANIFEST:
            return data.replace(b'"exp"', b'"other"')
        if name == snapshot.PRICES:
            return data
        frame = pl.read_parquet(io.BytesIO(data))
        if "experiment_id" in frame.columns:
            return with_table(name.split(".")[0], lambda t: t.with_columns(**rename))(name, data)
        return data

    with pytest.raises(InputError, match="ids of trials that are here already"):
        snapshot.install(rebuilt(file, change), mine)


def test_addresses_keys_and_programs_of_a_spec_are_set_aside(homes, tmp_path):
    store = homes("mine")
    spec = {
        "models": {"openai/x": {"api_base": "http://evil.example", "key_variable": "MY_KEY", "concurrency": 2}},
        "tasks": [{"name": "dataset", "params": {"retriever": "run_me.py:Now", "file": "a.csv"}}],
    }
    two_arms(spec=spec).write(store.home)
    store.ingest()
    snapshot.write(store, ["exp"], tmp_path / "a.fourdials")
    theirs = homes("theirs")
    snapshot.install(tmp_path / "a.fourdials", theirs)
    held = json.loads(query.run(theirs, "spec", experiment_id="exp")["spec"][0])
    assert held["models"] == {"openai/x": {"concurrency": 2}}
    assert held["tasks"][0]["params"] == {"file": "a.csv"}
    aside = {found.place: found.value for found in withheld.of("exp", theirs.home)}
    assert aside == {
        "models.openai/x.api_base": "http://evil.example",
        "models.openai/x.key_variable": "MY_KEY",
        "tasks.0.params.retriever": "run_me.py:Now",
    }
    assert withheld.of("nobody", theirs.home) == []


def test_a_confirmed_address_is_put_back_and_nothing_else_is(homes, tmp_path):
    store = homes("other")
    spec = {
        "models": {"openai/x-4.1": {"api_base": "http://box.example/v1", "key_variable": "MY_KEY"}},
        "tasks": [{"name": "dataset", "params": {"retriever": "run_me.py:Now"}}],
    }
    two_arms(spec=spec).write(store.home)
    store.ingest()
    snapshot.write(store, ["exp"], tmp_path / "a.fourdials")
    theirs = homes("theirs")
    snapshot.install(tmp_path / "a.fourdials", theirs)
    trials = query.run(theirs, "experiments")["trials_done"][0]
    (folder,) = (theirs.home / "imported").iterdir()
    as_it_came = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert [each.value for each in withheld.confirm("exp", theirs)] == ["http://box.example/v1"]
    held = json.loads(query.run(theirs, "spec", experiment_id="exp")["spec"][0])
    assert held["models"] == {"openai/x-4.1": {"api_base": "http://box.example/v1"}}
    assert held["tasks"] == [{"name": "dataset", "params": {}}]
    assert query.run(theirs, "experiments")["trials_done"][0] == trials
    assert {each.value for each in withheld.of("exp", theirs.home)} == {"MY_KEY", "run_me.py:Now"}
    for nobody in ("exp", "nobody"):
        with pytest.raises(InputError, match="waits to be confirmed"):
            withheld.confirm(nobody, theirs)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == as_it_came
    snapshot.remove(folder.name, theirs)
    assert list((theirs.home / "imported").iterdir()) == []
    snapshot.install(tmp_path / "a.fourdials", theirs)  # whoever opens it again is asked again
    assert "http://box.example/v1" not in query.run(theirs, "spec", experiment_id="exp")["spec"][0]


def test_what_was_confirmed_of_one_run_leaves_the_others_of_the_file_as_they_are(homes, tmp_path):
    store = homes("other")
    for run, host in (("one", "http://a.example"), ("two", "http://b.example")):
        two_arms(experiment_id=run, spec={"models": {"openai/x": {"api_base": host}}}).write(store.home)
    store.ingest()
    snapshot.write(store, ["one", "two"], tmp_path / "a.fourdials")
    theirs = homes("theirs")
    snapshot.install(tmp_path / "a.fourdials", theirs)
    for run, other, host in (("two", "one", "http://b.example"), ("one", None, "http://a.example")):
        withheld.confirm(run, theirs)
        assert host in query.run(theirs, "spec", experiment_id=run)["spec"][0]
        if other:
            assert "api_base" not in query.run(theirs, "spec", experiment_id=other)["spec"][0]
    assert withheld.of("one", theirs.home) == withheld.of("two", theirs.home) == []


def test_what_an_older_version_set_aside_is_shown_and_cannot_be_put_back(homes, file):
    theirs = homes("theirs")
    manifest = snapshot.install(file, theirs)
    old = {"exp": [{"place": "models.x.api_base", "value": "http://box.example"}]}
    (theirs.home / "imported" / manifest.content_id / withheld.FILE).write_text(json.dumps(old))
    assert [(each.value, each.address) for each in withheld.of("exp", theirs.home)] == [("http://box.example", False)]


def test_the_manifest_names_versions_and_runs(file):
    manifest = snapshot.read(file).manifest
    assert manifest.runs[0].experiment_id == "exp"
    assert set(manifest.libraries) >= {"python", "litellm", "duckdb", "polars"}
