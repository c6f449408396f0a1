"""The reasoning-gym library: its data sets and curricula, and a shield around what it raises.

It is imported on first use: it costs a second, which listing the tasks should not pay.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import json
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from fourdials.errors import InputError

# Tried by hand: the curriculum's levels 0, 1 and 2 make problems that differ, a scorer takes its own reference, and
# question and answer stay short enough to be asked in one go. The first three are those a model of 135 million
# parameters is neither at its floor nor at its ceiling on.
CURATED = (
    *("basic_arithmetic", "chain_sum", "products"),
    *("base_conversion", "calendar_arithmetic", "complex_arithmetic", "decimal_arithmetic", "dice"),
    *("fraction_simplification", "gcd", "lcm", "leg_counting", "simple_equations", "time_intervals"),
    *("ab", "arc_1d", "cryptarithm", "isomorphic_strings", "letter_counting", "spell_backward"),
    *("aiw", "family_relationships", "knights_knaves"),
    *("color_cube_rotation", "course_schedule", "largest_island", "mini_sudoku"),
)
FOR_SMALL_MODELS = CURATED[:3]
_SOLVER, _NEEDS_SOLVER = "pycosat", "zebra_puzzles"
# A generator picks by index from a sequence of fixed length, so that a longer list of problems begins with a shorter.
_LENGTH = 10_000


class Shield:
    """Around third-party code: whatever it raises becomes `failure` of it, its warnings are dropped, and the global
    random generator is the same afterwards. The library's generators and scorers raise anything at all, so a list of
    exception classes would not do."""

    def __init__(self, failure: Callable[[Exception], Exception]) -> None:
        self._failure = failure
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._state = random.getstate()
        random.seed(0)
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._warnings.__exit__(None, None, None)
        random.setstate(self._state)
        if isinstance(error, Exception):
            raise self._failure(error) from error


def _library() -> Any:
    """reasoning-gym, also where the solver behind one of its puzzles could not be compiled."""
    try:
        importlib.import_module(_SOLVER)
    except ImportError:
        sys.modules[_SOLVER] = ModuleType(_SOLVER)
    return importlib.import_module("reasoning_gym")


def _known(generator: str) -> Any:
    """The library's factory; raises InputError if it has no such generator."""
    _library()
    factory = importlib.import_module("reasoning_gym.factory")
    if generator == _NEEDS_SOLVER and not hasattr(sys.modules[_SOLVER], "solve"):
        raise InputError(f"{generator} needs the package {_SOLVER}, which is not installed; it takes a C compiler")
    known = sorted(factory.DATASETS)
    if generator not in known:
        near = difflib.get_close_matches(generator, known, n=5, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(known)}"
        raise InputError(f"reasoning-gym has no generator called {generator!r}; {hint}")
    return factory


@lru_cache(maxsize=256)
def rung(generator: str, config: str, level: int) -> str:
    """The generator's own parameters at a level of its curriculum, with those of `config` (JSON) on top, as JSON.

    A range of the curriculum gives its highest part only, so that easier problems do not come back at a higher level;
    a level above the last is the last. A generator without a curriculum has `config` at every level. Raises InputError
    for an unknown generator and where the curriculum and the generator disagree.
    """
    factory = _known(generator)
    stated: dict[str, Any] = json.loads(config)
    if not factory.has_curriculum(generator):
        return json.dumps(stated, sort_keys=True)
    base = importlib.import_module("reasoning_gym.coaching.base_curriculum")
    with Shield(lambda error: InputError(f"reasoning-gym's {generator} has no level {level}: {error}")):
        curriculum = factory.create_curriculum(generator)
        curriculum.set_global_level(level)
        highest = base.DefaultCurriculumContext(base.RangeAttributeMode.UPPER_BOUND)
        made = dataclasses.asdict(curriculum.generate_configuration({}, highest))
        own = dataclasses.asdict(factory.DATASETS[generator][1]())
        changed = {name: value for name, value in made.items() if value != own.get(name)}
        return json.dumps({**changed, **stated}, sort_keys=True)


def rungs(generator: str, config: str, levels: Sequence[int]) -> dict[str, int]:
    """The different parameters (JSON) that the levels come to, in order, each with the lowest level that has them."""
    found: dict[str, int] = {}
    for level in sorted(set(levels)):
        found.setdefault(rung(generator, config, level), level)
    order = dict.fromkeys(rung(generator, config, level) for level in levels)
    return {made: found[made] for made in order}


@lru_cache(maxsize=64)
def dataset(generator: str, config: str, seed: int) -> Any:
    """The library's data set; raises InputError if it has no such generator or refuses the parameters."""
    _known(generator)
    options = {"seed": seed, "size": _LENGTH, **json.loads(config)}
    refusal = f"reasoning-gym's {generator} refuses config {config}"
    with Shield(lambda error: InputError(f"{refusal}: {error or 'no reason given'}")):
        return _library().create_dataset(generator, **options)


def entries(generator: str, config: str, seed: int) -> Iterator[dict[str, Any]]:
    """Its entries one after the other; raises InputError where it cannot make one."""
    made = dataset(generator, config, seed)
    failure = f"reasoning-gym's {generator} cannot make problems with config {config}"
    for index in range(_LENGTH):
        with Shield(lambda error: InputError(f"{failure}: {error}")):
            entry = dict(made[index])
        yield entry
