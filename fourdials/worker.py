"""The process that runs one experiment, and how the dashboard and the command line start, watch and stop it.

A worker owns litellm and the local model. It holds `worker.lock` in its run's folder so that two never run one
experiment, writes a heartbeat to `worker.json`, and ends cleanly on SIGTERM or when a file called `stop` appears.
Runs that use the local model take turns: each queues in `queue/`, the oldest living entry runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from fourdials import plan, prices, spec
from fourdials.errors import HomeBusy, InputError, SetupError
from fourdials.home import home, run_folder
from fourdials.journal import History, Journal, journals
from fourdials.records import Experiment, Trial
from fourdials.run import Job, Tell, prepare, run, write_status

if TYPE_CHECKING:
    from fourdials.gateway import Gateway

HEARTBEAT_S = 1.0
_LAUNCHED = "FOURDIALS_LAUNCHED"  # set for a worker in the background: a stop file is then meant for it, however early
_started: list[subprocess.Popen[bytes]] = []  # ours to reap, or they would stay as zombies


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What is known of a run's worker from outside: whether it lives, its place in the queue (0 = running, None = not
    queued), and when it last gave a sign of life (seconds since the epoch)."""

    alive: bool
    queue_position: int | None
    heartbeat_at: float | None


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is taken up again: which ended trials are asked once more, and a budget that replaces the old one."""

    retry_errors: bool = False
    budget: Mapping[str, float] | None = None


def create(data: Mapping[str, Any], root: Path | None = None) -> str:
    """Makes the folder of a new run from a spec's plain data and returns its id. Raises SpecError on any mistake."""
    experiment = spec.parse(data)
    experiment_id = plan.new_id(experiment)
    folder = run_folder(experiment_id, root)
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(spec.dump(data), encoding="utf-8")
    return experiment_id


def read_spec(experiment_id: str, root: Path | None = None) -> dict[str, Any]:
    """The plain data of a run's spec. Raises InputError if there is no such run."""
    path = run_folder(experiment_id, root) / "spec.toml"
    if not path.is_file():
        raise InputError(f"there is no run called {experiment_id!r}; `python -m fourdials list experiments` shows all")
    return spec.load(path)


def launch(data: Mapping[str, Any], root: Path | None = None) -> str:
    """Creates a run and starts its worker in the background. Returns the run's id."""
    experiment_id = create(data, root)
    resume(experiment_id, root)
    return experiment_id


def resume(experiment_id: str, root: Path | None = None, *, retry_errors: bool = False) -> None:
    """Starts a worker for a run that has none; it goes on where the journal ends. Raises HomeBusy if one is alive."""
    read_spec(experiment_id, root)
    if state(experiment_id, root).alive:
        raise HomeBusy(f"{experiment_id} is already running")
    base = root or home()
    command = [sys.executable, "-m", "fourdials", "resume", experiment_id, "--no-ingest"]
    command += ["--retry-errors"] if retry_errors else []
    (run_folder(experiment_id, root) / "stop").unlink(missing_ok=True)
    environment = {**os.environ, "FOURDIALS_HOME": str(base), _LAUNCHED: experiment_id}
    package_root = Path(__file__).resolve().parent.parent
    with (run_folder(experiment_id, root) / "worker.log").open("ab") as log:
        _started.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=package_root,
                env=environment,
                start_new_session=True,
            )
        )


def stop(experiment_id: str, root: Path | None = None) -> None:
    """Asks a run's worker to stop; calls in flight are given up, everything finished stays."""
    (run_folder(experiment_id, root) / "stop").touch()


def state(experiment_id: str, root: Path | None = None) -> WorkerState:
    """Whether a run's worker lives, and where it stands in the queue."""
    _started[:] = [process for process in _started if process.poll() is None]
    folder = run_folder(experiment_id, root)
    alive = _living(folder / "worker.lock") is not None
    heartbeat = _read(folder / "worker.json").get("heartbeat_at")
    position = None
    if alive:
        queue = [entry.stem.split("~", 1)[1] for entry in _queue(root or home())]
        position = queue.index(experiment_id) if experiment_id in queue else 0
    return WorkerState(alive, position, heartbeat)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or being written this very moment
        return {}
    return content


def _identity() -> dict[str, float]:
    return {"pid": os.getpid(), "create_time": psutil.Process().create_time()}


def _living(path: Path) -> int | None:
    """The process that wrote a lock file, if it is still the same and alive."""
    written = _read(path)
    try:
        process = psutil.Process(int(written["pid"]))
        same = abs(process.create_time() - written["create_time"]) < 1
        return process.pid if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, psutil.NoSuchProcess):
        return None


def _claim(path: Path) -> None:
    """Writes a lock file naming this process. Raises HomeBusy if a living process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_suffix(f".{os.getpid()}")
    own.write_text(json.dumps(_identity()), encoding="utf-8")
    try:
        for _ in range(2):
            try:
                os.link(own, path)
                return
            except FileExistsError:
                if (pid := _living(path)) is not None:
                    raise HomeBusy(f"process {pid} already runs {path.parent.name}") from None
                _set_aside(path)
        raise HomeBusy(f"another process is just starting {path.parent.name}")
    finally:
        own.unlink()


def _set_aside(path: Path) -> None:
    """Takes a dead process's lock away; one that somebody quicker has put there since goes back."""
    aside = path.with_suffix(f".{os.getpid()}.dead")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        if _living(aside) is not None:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def _queue(root: Path) -> list[Path]:
    """Living entries of the local model's queue, oldest first; dead ones are removed."""
    entries = sorted((root / "queue").glob("*~*.json"))
    for entry in entries:
        if _living(entry) is None:
            entry.unlink(missing_ok=True)
    return [entry for entry in entries if entry.exists()]


@contextlib.asynccontextmanager
async def _turn(job: Job, root: Path) -> AsyncIterator[None]:
    """Waits until this run is the oldest that wants the local model, or is asked to stop; then holds its place."""
    (root / "queue").mkdir(exist_ok=True)
    entry = root / "queue" / f"{time.time_ns()}~{job.experiment_id}.json"
    fresh = entry.with_suffix(".new")  # half an entry would look like a dead one and be removed
    fresh.write_text(json.dumps(_identity()), encoding="utf-8")
    fresh.replace(entry)
    try:
        waiting = False
        while _queue(root)[0] != entry and not job.stop.is_set():
            if not waiting:
                write_status(job, "queued")
                waiting = True
            await asyncio.sleep(0.2)
        yield
    finally:
        entry.unlink(missing_ok=True)


async def _beat(folder: Path, stopped: asyncio.Event) -> None:
    """Writes the heartbeat and watches for the stop file until the run ends. A folder that cannot be written any more
    (removed, or the disk is full) stops the run: nothing it pays for could be kept."""
    target, fresh = folder / "worker.json", folder / "worker.json.new"
    try:
        while not stopped.is_set():
            fresh.write_text(json.dumps({**_identity(), "heartbeat_at": time.time()}), encoding="utf-8")
            fresh.replace(target)
            if (folder / "stop").exists():
                stopped.set()
            await asyncio.sleep(HEARTBEAT_S)
    except OSError as error:
        print(f"stopping, since {folder} cannot be written: {error}", file=sys.stderr)
        stopped.set()


def work(experiment_id: str, tell: Tell, root: Path | None = None, options: Options | None = None) -> str:
    """Runs or resumes an experiment in this process and returns its final status.

    Raises HomeBusy if a living worker holds it, SetupError if a model cannot be served, SpecError if its file is wrong.
    """
    base, options = root or home(), options or Options()
    folder = run_folder(experiment_id, base)
    data = read_spec(experiment_id, base)
    if options.budget:
        data["budget"] = {**data.get("budget", {}), **options.budget}
    experiment = spec.parse(data)
    _claim(folder / "worker.lock")
    try:
        if options.budget:
            (folder / "spec.toml").write_text(spec.dump(data), encoding="utf-8")
        if os.environ.get(_LAUNCHED) != experiment_id:
            (folder / "stop").unlink(missing_ok=True)
        history = History(folder)
        with Journal(folder) as journal:
            return asyncio.run(_work(experiment, experiment_id, base, journal, history, tell, options))
    finally:
        (folder / "worker.lock").unlink(missing_ok=True)


async def _work(
    experiment: Experiment,
    experiment_id: str,
    base: Path,
    journal: Journal,
    history: History,
    tell: Tell,
    options: Options,
) -> str:
    from fourdials.gateway import Gateway  # litellm comes with it: seconds and megabytes only the worker pays

    folder = run_folder(experiment_id, base)
    price_rows = prices.load_prices()
    gateway = Gateway(price_rows)
    job = Job(
        experiment=experiment,
        experiment_id=experiment_id,
        sender=gateway,
        journal=journal,
        history=history,
        price_rows=price_rows,
        tell=tell,
        retry_errors=options.retry_errors,
        retry_capped=bool(options.budget),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(number, job.stop)
    beat = asyncio.create_task(_beat(folder, job.stop))
    trials = await asyncio.to_thread(prepare, job)  # graders may take long over the constant answer
    local = any(model.provider == "local" for model in experiment.models.values())
    try:
        async with _turn(job, base) if local else contextlib.nullcontext():
            return await _open_and_run(job, gateway, trials)
    finally:
        beat.cancel()
        await gateway.close()


def _on_signal(number: int, stopped: asyncio.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # beside a notebook: only a process's main thread hears signals
    try:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    except NotImplementedError:  # Windows has no such handlers; the stop file does the same there
        signal.signal(number, lambda *_: stopped.set())


async def _open_and_run(job: Job, gateway: Gateway, trials: Sequence[Trial]) -> str:
    models = list(job.experiment.models.values())
    try:
        if problems := gateway.check(models):
            raise SetupError("; ".join(problems))
        if not job.stop.is_set():
            await gateway.open(models)
            job.price_rows = (*job.price_rows, *gateway.mapped_prices(models))
            _check_dollars(job)
    except SetupError as error:
        write_status(job, "failed", str(error))
        raise
    gc.collect()
    gc.freeze()  # the libraries' objects and the plan stay to the end: no use in looking through them again and again
    try:
        return await run(job, trials)
    finally:
        gc.unfreeze()


def _check_dollars(job: Job) -> None:
    """Raises SetupError if a budget in USD could not be kept: hosted calls without a price, or no price at all."""
    experiment = job.experiment
    if experiment.budget.usd is None and experiment.trial_budget.usd is None:
        return
    unpriced = [m for m in experiment.models.values() if not prices.price_of(m.id, time.time(), job.price_rows)]
    hosted = [model.id for model in unpriced if model.provider not in ("local", "sim")]
    if hosted or len(unpriced) == len(experiment.models):
        names = ", ".join(hosted or experiment.models)
        raise SetupError(
            f"a budget in USD cannot be kept: no price is known for {names}; set the budget in total_tokens or calls, "
            "or give its price on the Models page"
        )


def earlier_runs(data: Mapping[str, Any], root: Path | None = None) -> tuple[str | None, str | None]:
    """Runs of exactly this spec: the newest one that has not finished, and the newest one that has."""
    wanted = f"-{spec.digest(data)}-"
    open_id = done_id = None
    runs = (root or home()) / "runs"
    for folder in sorted(runs.glob(f"*{wanted}*"), key=lambda path: path.stat().st_mtime):
        status = History(folder).status if journals(folder) else None
        if status == "finished":
            done_id = folder.name
        else:
            open_id = folder.name
    return open_id, done_id
