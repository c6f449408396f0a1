"""What holds for the project as a whole: who may import whom, sizes, error handling, pins, leaks, README and set-up."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fourdials"


def tracked() -> list[Path]:
    """The files git knows or would add; without git (a downloaded archive) all files outside dot folders."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    if shutil.which("git"):
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]
    inside = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [ROOT / path for path in inside if not any(part[0] == "." for part in path.parts) and path.suffix != ".pyc"]


TRACKED = tracked()
MODULES = sorted(PACKAGE.rglob("*.py"))
SHOWN = [path for path in [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))] if path.exists()]
SOURCES = [*MODULES, *SHOWN, *sorted((ROOT / "scripts").glob("*.py"))]
DISTRIBUTIONS = packages_distributions()
PLUG_INS = ("tasks", "strategies", "allocators", "claims")

# Each part may import those before it, and itself, never one that comes later.
IN_ORDER = """
    errors records home settings theory numerals grading journal ledger prices spending tasking plugins allotment
    prompting routing own tasks strategies allocators models sections spec plan gateway capabilities
    charges marking remembering desk ask examiner header endings run worker store query regrade estimate units replay
    courses worth advise policy calibrating forecast verdict claims weighing figures bench lessons classroom invitation
    withheld snapshot importing viewed report handout api handbook listing ui exchange cli __main__
"""
ORDER = IN_ORDER.split()

# The only parts that may import a library that is slow, large or someone's business alone.
OWNERS = {
    "litellm": {"gateway", "models"},
    "xllamacpp": {"models"},
    "duckdb": {"store", "query"},
    "plotly": {"figures", "ui"},  # ui only serves the script that comes in the package
    "streamlit": {"ui", "app", "pages"},
    "typer": {"cli", "exchange"},
    "bm25s": {"tasks"},
    "reasoning_gym": {"tasks"},
    "treequest": {"strategies"},
    "statsmodels": {"estimate"},
    "segno": {"invitation"},
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[named(path) for path in paths])


def part(path: Path) -> str:
    """`records` for fourdials/records.py, `tasks` for fourdials/tasks/x.py, `pages` for pages/run.py, `app`."""
    inside = path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT)
    return inside.parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports anywhere in it; `from fourdials import plan` gives `fourdials.plan`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno} imports relatively"
            if node.module == "fourdials":
                yield from (f"fourdials.{alias.name}" for alias in node.names if alias.name != "__version__")
            else:
                yield node.module or ""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@each([path for path in MODULES if path.parent != PACKAGE or path.stem != "__init__"])
def test_a_module_imports_only_parts_that_come_before_it(path: Path) -> None:
    own = part(path)
    assert own in ORDER, f"give fourdials/{own} its place in ORDER"
    reach = set(ORDER[: ORDER.index(own) + 1])
    if own in PLUG_INS:
        reach -= set(PLUG_INS) - {own}
    used = {name.split(".")[1] for name in imports(path) if name.startswith("fourdials.")}
    assert used <= reach, f"{named(path)} reaches for {sorted(used - reach)}"


@each([*MODULES, *SHOWN])
def test_a_library_is_imported_by_its_owner_only(path: Path) -> None:
    taken = {name.split(".")[0] for name in imports(path)} & OWNERS.keys()
    trespassed = {library for library in taken if part(path) not in OWNERS[library]}
    assert not trespassed, f"{named(path)} imports {trespassed}; ask its owner instead"


@each([*MODULES, *SHOWN])
def test_every_library_that_is_imported_is_a_pinned_requirement(path: Path) -> None:
    wanted = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"fourdials"}
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.in").read_text().splitlines() if "==" in line}
    for library in wanted:
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in DISTRIBUTIONS.get(library, [library])}
        assert names & pinned, f"{library} is not in requirements.in"


@each(SOURCES)
def test_a_file_and_its_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = {"app": 60, "pages": 120}.get(part(path), 400)
    assert len(text.splitlines()) <= limit, f"{named(path)} has more than {limit} lines"
    for function in functions(ast.parse(text)):
        documented = ast.get_docstring(function) is not None
        first = function.body[1 if documented and len(function.body) > 1 else 0].lineno
        length = (function.end_lineno or first) - first + 1
        assert length <= 50, f"{named(path)}: the body of {function.name} has {length} lines"


@each(MODULES)
def test_a_module_that_holds_code_opens_by_saying_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{named(path)} has no docstring"


@each(SOURCES)
def test_errors_are_caught_by_name_and_never_dropped(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ExceptHandler):
            continue
        where = f"{named(path)}:{node.lineno}"
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else {"anything"}
        broad = caught & {"Exception", "BaseException", "anything"}
        last = node.body[-1]
        if isinstance(last, ast.Raise) and last.exc is None:
            continue  # tidies up and passes the error on
        assert not broad or named(path) == "fourdials/run.py", f"{where} catches {sorted(broad)}"
        assert not all(isinstance(line, ast.Pass) for line in node.body), f"{where} drops an error"


def test_the_command_line_and_the_dashboard_never_load_litellm_or_each_others_libraries() -> None:
    started = {
        "cli": ("litellm", "streamlit", "xllamacpp", "plotly", "reasoning_gym"),
        "store": ("litellm", "streamlit", "xllamacpp"),
        "ui": ("litellm", "xllamacpp"),
    }
    for module, unwanted in started.items():
        if not list(PACKAGE.glob(f"{module}*")):
            continue
        code = f"import sys, fourdials.{module}; print(*(name for name in {unwanted!r} if name in sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [], f"importing fourdials.{module} loads {done.stdout}"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_exactly_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|^-|--(?!hash=sha256:)|\s@\s|file:", text, re.MULTILINE)
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert len(entries) > 20
    for entry in entries:
        head, *hashes = entry.split(" \\\n")
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[^ ;*]+( ; .+)?", head), head
        assert hashes, f"{head} has no hash"
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line.rstrip()) for line in hashes), head


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_asked_for_is_what_is_pinned(name: str) -> None:
    asked = re.findall(r"^([a-z0-9-]+==\S+)", (ROOT / f"{name}.in").read_text(encoding="utf-8"), re.MULTILINE)
    pinned = re.findall(r"^([a-z0-9.-]+==\S+)", (ROOT / f"{name}.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert asked
    assert set(asked) <= set(pinned), "run scripts/lock"


def test_no_tracked_file_names_a_machine_a_registry_or_a_way_to_show_raw_html() -> None:
    forbidden = re.compile(
        "|".join(
            [
                r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|tmp/w)/\w",
                "/opt/" + "(?:pypi|wheels)",
                "py" + r"pi\.org",
                "python" + "hosted",
                "registry" + r"\.npm",
                "deb" + r"\.debian",
                "unsafe_allow" + "_html",
                "BEGIN [A-Z ]*PRIVATE" + " KEY",
            ]
        )
    )
    for path in TRACKED:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures, Parquet
        found = forbidden.search(text)
        assert not found, f"{named(path)} contains {found.group()!r}" if found else ""


def tree_lines() -> dict[str, str]:
    """What README's module tree says: path → description; folders end with a slash."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- tree -->\n```text\n")[1].split("```")[0]
    lines, folders = {}, [""]
    for line in block.splitlines():
        indent, name, description = re.fullmatch(r"( *)(\S+)\s+(\S.*)", line).groups()  # type: ignore[union-attr]
        folders = folders[: len(indent) // 2 + 1]
        lines[folders[-1] + name] = description
        if name.endswith("/"):
            folders.append(folders[-1] + name)
    return lines


def test_the_tree_in_the_readme_lists_nothing_that_is_gone() -> None:
    there = {named(path) for path in TRACKED} | {
        f"{named(up)}/" for path in TRACKED for up in path.parents if up != ROOT and up.is_relative_to(ROOT)
    }
    assert sorted(tree_lines().keys() - there) == []


def test_the_tree_in_the_readme_has_a_line_for_every_module() -> None:
    lines = tree_lines()
    wanted = [named(p) for p in MODULES if p.stem != "__init__" and part(p) not in PLUG_INS]
    wanted += [f"fourdials/{name}/" for name in PLUG_INS if (PACKAGE / name).is_dir()]
    wanted += [named(path) for path in SHOWN if path.parent == ROOT]
    assert [name for name in wanted if name not in lines] == []


def test_the_readme_shows_every_command() -> None:
    cli = pytest.importorskip("fourdials.cli", exc_type=ModuleNotFoundError)
    import typer

    app = next(value for value in vars(cli).values() if isinstance(value, typer.Typer))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = typer.main.get_group(app).commands
    assert commands
    assert [name for name in commands if f"python -m fourdials {name}" not in readme] == []


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{named(document)} links to {target}"


def test_the_dashboard_is_private_by_default() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    server = config["server"]
    assert (server["address"], server["allowedHosts"]) == ("127.0.0.1", ["127.0.0.1", "localhost"])
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert 0 < server["maxUploadSize"] <= 200


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG 2.1 defines it, from 0 to 1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_links_and_buttons_stand_out(mode: str) -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][mode]
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        for ink, least in (("textColor", 12.0), ("linkColor", 4.5), ("primaryColor", 3.0)):
            assert contrast(theme[ground], theme[ink]) >= least, (ground, ink)
    assert contrast(theme["primaryColor"], "#ffffff") >= 4.5, "Streamlit writes in white on primary buttons"
