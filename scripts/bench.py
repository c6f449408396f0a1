"""Measures what Four Dials costs to use, on this computer, without the network. Run by scripts/bench.

    calls     calls/s of the whole path (ledger, journal, scoring) against a bare litellm loop on the same route,
              at a loopback server that answers after 50 ms, 64 requests in flight; the two take turns
    trials    seconds per trial for 1,000, 10,000 and 100,000 simulated trials; flat is the aim
    curve     tokens billed for a curve of 7 levels against its largest level alone; 1.00 is the aim
    page      first paint of Compare in headless Chromium, and whether zoom survives live updates
    rates     tokens/s of the scale models, for modelled seconds (data/models.toml)
    queries   every tab of Compare on a database of a million calls, and each of its queries warm
    class     a class of 30, a few in headless Chromium: joining, predicting, the answer; its cost, and what is lost

Each result is printed as a row for LOG.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IN_FLIGHT = 64
DELAY_S = 0.05
ROUTE = "hosted_vllm/bench"  # the fastest of litellm's routes that passes n, grammar and logprobs
SCALE_MODELS = ["local/rivers-reasoner", "local/letters-narrow", "local/sudoku4-noise", "local/sudoku4-plain"]
STUDENTS = 30
LEVELS = (1, 2, 4, 8, 16, 32, 64)
BARE = """
import asyncio, json, os, sys, time
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
base, calls, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
messages = [{"role": "user", "content": "What is 1 + 1? " * 20}]

async def main():
    places = asyncio.Semaphore(in_flight)
    async def one():
        async with places:
            await litellm.acompletion(model=MODEL, messages=messages, api_base=base, api_key="none", max_tokens=16)
    await asyncio.gather(*(one() for _ in range(in_flight)))
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(calls)))
    print(json.dumps([calls / (time.perf_counter() - start), 1000 * (time.process_time() - cpu) / calls]))

asyncio.run(main())
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 30) -> None:
    """Returns once the address answers, whatever it answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"bench: nothing answers at {url}")


@contextlib.contextmanager
def server(command: Sequence[str], url: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves `url` while the block runs."""
    child = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(url)
        yield child
    finally:
        child.terminate()
        child.wait()


def arm(strategy: str, levels: Sequence[int] | None = None, **more: Any) -> str:
    """An `[[arms]]` section."""
    lines = ["[[arms]]", f'strategy = "{strategy}"', *(f"{key} = {json.dumps(value)}" for key, value in more.items())]
    return "\n".join([*lines, f"levels = {list(levels)}"] if levels else lines)


def experiment(name: str, model: str, problems: int, arms: str, *, repeats: int = 1, more: str = "") -> str:
    """An experiment file on wikiworld."""
    head = f'name = "{name}"\nseed = 7\nrepeats = {repeats}\nconcurrency = {IN_FLIGHT}\nmodel = "{model}"\n'
    return f'{head}{more}\n[[tasks]]\nname = "wikiworld"\nproblems = {problems}\n{arms}\n'


class Run:
    """A finished run in a home of its own, as its journal tells it."""

    def __init__(self, spec: str, home: Path) -> None:
        file = home / "bench.toml"
        file.write_text(spec, encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "fourdials", "run", str(file), "--no-ingest"],
            cwd=ROOT,
            env={**os.environ, "FOURDIALS_HOME": str(home)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"bench: the run failed\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
        self.seconds = time.perf_counter() - start
        self.trials = 0
        self.calls = 0
        self.tokens = 0
        self.errors = 0
        first, last = float("inf"), 0.0
        for journal in (home / "runs").glob("*/journal-*.jsonl"):
            for line in journal.open(encoding="utf-8"):
                if not line.startswith('{"k":"trial"'):
                    continue
                row = json.loads(line)
                first, last = min(first, row["started_at"]), max(last, row["finished_at"])
                self.trials += 1
                self.calls += row["calls"]
                self.tokens += (row["prompt_tokens"] or 0) + (row["completion_tokens"] or 0)
                self.errors += row["outcome"] == "infra_error"
        self.running_s = last - first
        if self.errors:
            raise SystemExit(f"bench: {self.errors} of {self.trials} trials failed; nothing was measured")


def report(question: str, how: str, result: str) -> None:
    """Prints a row for LOG.md."""
    print(f"| {date.today()} | {question} | `scripts/bench {how}`, {os.cpu_count()} cores | {result} |", flush=True)


def calls(options: argparse.Namespace) -> None:
    """Whole path against a bare loop; the median of turns taken in alternation."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/v1"
    loopback = ["-m", "tests.loopback", "--port", str(port), "--latency", str(DELAY_S)]
    more = f'[models."{ROUTE}"]\napi_base = "{base}"\nformat = "chat"\nconcurrency = {IN_FLIGHT}\n'
    bare, whole, cpu = [], [], []
    with server(loopback, f"{base}/models"):
        for _ in range(options.turns):
            loop = [sys.executable, "-c", BARE.replace("MODEL", repr(ROUTE)), base, str(options.calls), str(IN_FLIGHT)]
            rate, cost = json.loads(subprocess.run(loop, capture_output=True, text=True, check=True).stdout)
            bare.append(rate)
            cpu.append(cost)
            with tempfile.TemporaryDirectory() as home:
                run = Run(experiment("calls", ROUTE, options.calls, arm("single"), more=more), Path(home))
            whole.append(run.calls / run.running_s)
    ratio = statistics.median(w / b for w, b in zip(whole, bare, strict=True))
    report(
        "What do ledger, journal and scoring cost per call?",
        "calls",
        f"whole path {statistics.median(whole):.0f} calls/s, bare litellm {statistics.median(bare):.0f} "
        f"({statistics.median(cpu):.1f} CPU ms/call), ratio {ratio:.2f}; "
        f"{options.turns} turns of {options.calls} calls",
    )


def trials(options: argparse.Namespace) -> None:
    """Time per trial as their number grows."""
    found = []
    for count in options.sizes:
        problems = min(count, 1000)
        with tempfile.TemporaryDirectory() as home:
            spec = experiment("trials", options.model, problems, arm("single"), repeats=count // problems)
            run = Run(spec, Path(home))
        found.append(f"{run.trials:,}: {1000 * run.running_s / run.trials:.2f} ms ({run.seconds:.0f} s in all)")
    report("Does a trial stay as cheap when there are many?", "trials", "; ".join(found))


def curve(options: argparse.Namespace) -> None:
    """Tokens billed for all levels over tokens billed for the largest alone."""
    tokens = []
    for levels in (LEVELS, LEVELS[-1:]):
        with tempfile.TemporaryDirectory() as home:
            run = Run(experiment("curve", options.model, 50, arm("majority_vote", levels)), Path(home))
        tokens.append(run.tokens)
    result = f"{tokens[0]:,} tokens for levels {', '.join(map(str, LEVELS))}; {tokens[1]:,} for {LEVELS[-1]} alone; "
    report("What does a whole curve cost over its last point?", "curve", f"{result}ratio {tokens[0] / tokens[1]:.2f}")


PLOT = ".js-plotly-plot .main-svg"
ZOOM = "() => { const p = document.querySelector('.js-plotly-plot'); return p._fullLayout.xaxis.range.map(Number); }"
DATA = "() => document.querySelector('.js-plotly-plot').data.reduce((n, t) => n + JSON.stringify(t.y || []).length, 0)"


def page(options: argparse.Namespace) -> None:
    """First paint and first chart on the recorded data, as a new home is first opened and afterwards; then zoom while a
    run goes on."""
    from playwright.sync_api import sync_playwright

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = ["--server.port", str(port), "--server.headless", "true"]
    chromium = os.environ.get("FOURDIALS_CHROMIUM") or "/usr/bin/chromium"
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        dashboard = ["-m", "fourdials.ui.launch", *settings]
        with server(dashboard, f"{address}/_stcore/health", FOURDIALS_HOME=home):
            told = []
            for name, path in (("Start", ""), ("Compare", "compare")):
                seen = []
                for _ in range(options.turns + 1):
                    browser = playwright.chromium.launch(executable_path=chromium, args=quiet)  # nothing kept
                    seen.append(_painted(browser, f"{address}/{path}"))
                    browser.close()
                (paint, chart), later = seen[0], [statistics.median(each) for each in zip(*seen[1:], strict=True)]
                told.append(
                    f"{name}: first visit {paint:.1f} s to the first paint and {chart:.1f} s to the chart, "
                    f"later ones {later[0]:.1f} s and {later[1]:.1f} s"
                )
            browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
            survived = _zoom_survives(browser, address, home, options.model)
            browser.close()
    report(
        "How soon are Start and Compare there, each time in a new browser, and does zoom survive live updates?",
        "page",
        f"{'; '.join(told)}; zoom {survived}",
    )


def _painted(browser: Any, address: str) -> tuple[float, float]:
    """Seconds until something is painted, as the browser tells, and until a chart is drawn."""
    tab = browser.new_page()
    start = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.wait_for_selector(PLOT, timeout=60_000)
    chart = time.perf_counter() - start
    paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return paint / 1000, chart


def _zoom_survives(browser: Any, address: str, home: str, model: str) -> str:
    """Starts a simulated run, zooms into its chart, and looks again after the data has changed."""
    file = Path(home) / "zoom.toml"
    arms = "\n".join(arm(name) for name in ("majority_vote", "stepwise", "retrieve", "act"))
    file.write_text(
        experiment("zoom", model, 400, arms, repeats=5).replace(f"concurrency = {IN_FLIGHT}", "concurrency = 1")
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "fourdials", "run", str(file), "--no-ingest"],
        cwd=ROOT,
        env={**os.environ, "FOURDIALS_HOME": home},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        runs = Path(home) / "runs"
        end = time.monotonic() + 60
        while time.monotonic() < end and not [f for f in runs.glob("*/journal-*.jsonl") if f.stat().st_size > 200_000]:
            time.sleep(0.2)
        newest = max(runs.iterdir(), key=lambda folder: folder.stat().st_mtime).name
        tab = browser.new_page()
        tab.goto(f"{address}/compare?experiment={newest}")
        tab.wait_for_selector(PLOT, timeout=60_000)
        before, drawn = tab.evaluate(ZOOM), tab.evaluate(DATA)
        wanted = [before[0] + 0.2 * (before[1] - before[0]), before[0] + 0.6 * (before[1] - before[0])]
        tab.evaluate("r => Plotly.relayout(document.querySelector('.js-plotly-plot'), {'xaxis.range': r})", wanted)
        tab.wait_for_function(f"was => ({DATA})() !== was", arg=drawn, timeout=30_000)
        kept = tab.evaluate(ZOOM)
        same = all(abs(a - b) < 1e-6 * max(1, abs(b)) for a, b in zip(kept, wanted, strict=True))
        return "survived an update of the data" if same else f"was lost: {wanted} became {kept}"
    finally:
        run.terminate()
        run.wait()


def rates(options: argparse.Namespace) -> None:
    """What the models named take for a call, a prompt token and a completion token."""
    sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
    from rates import rates as measured

    for line in measured(options.models):
        report("How fast is a model, alone?", f"rates --models {line.split(':')[0]}", line)


def queries(options: argparse.Namespace) -> None:
    """The tabs of Compare on a large database, which is kept if `--home` names a folder for it."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import bench_queries

    with contextlib.ExitStack() as kept:
        folder = options.home or kept.enter_context(tempfile.TemporaryDirectory())
        home = Path(folder).resolve()
        bench_queries.made(home, options.database, options.problems)
        found = bench_queries.measured(home, options.turns)
        said = bench_queries.composition(home)
    print(bench_queries.table(found), flush=True)
    slowest = max((asked for tab in found for asked in tab.queries), key=lambda asked: asked.wall_s)
    longest = max(found, key=lambda tab: tab.wall_s)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    report(
        "Are the tabs of Compare quick on a million calls?",
        "queries",
        f"{said}. Slowest query: {slowest.name}, {1000 * slowest.wall_s:.0f} ms ({1000 * slowest.cpu_s:.0f} of CPU), "
        f"median of {options.turns}; slowest tab: {longest.title}, {longest.wall_s:.1f} s "
        f"({longest.cpu_s:.1f} of CPU). Load {load}.",
    )


def in_class(options: argparse.Namespace) -> None:
    """Everybody of a class at once."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import bench_class

    found = bench_class.measured(options.students, options.browsers, server, free_port())
    how = "class" if options.students == STUDENTS else f"class --students {options.students}"
    report("Does a whole class get through a lesson, and is anything lost?", how, bench_class.said(found))


def main() -> None:
    """Runs the parts asked for, all by default."""
    parts = {"calls": calls, "trials": trials, "curve": curve, "page": page, "rates": rates, "queries": queries}
    parts["class"] = in_class
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all by default")
    parser.add_argument("--calls", type=int, default=3000, help="calls per turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="numbers of trials")
    parser.add_argument("--model", default="sim/default", help="the simulated model")
    parser.add_argument("--models", nargs="+", default=SCALE_MODELS, help="local models whose rates to measure")
    parser.add_argument(
        "--home", help="folder for the database of `queries`, used again if there; else a temporary one"
    )
    parser.add_argument("--database", type=int, default=1_000_000, help="calls in that database")
    parser.add_argument("--problems", type=int, default=100, help="problems a task in its large experiments")
    parser.add_argument("--students", type=int, default=STUDENTS, help="students who join the class")
    parser.add_argument("--browsers", type=int, default=3, help="of them in a browser, the others as plain sessions")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if not re.fullmatch("|".join(parts), name)]:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(parts)}")
    for name in options.parts or parts:
        parts[name](options)


if __name__ == "__main__":
    main()
