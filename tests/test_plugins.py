"""Discovery: one file, one plug-in, and a clear message for a name that does not exist."""

from pathlib import Path

import pytest

from fourdials import plugins
from fourdials.errors import InputError

PACKAGE = Path(plugins.__file__).parent


def stems(folder):
    return {path.stem for path in (PACKAGE / folder).rglob("*.py") if not path.stem.startswith("_")}


def test_every_file_is_a_plug_in_of_its_name():
    assert set(plugins.strategies()) == stems("strategies")
    assert set(plugins.tasks()) == stems("tasks")
    assert set(plugins.allocators()) == stems("allocators")


def test_a_strategy_lives_in_the_folder_of_its_dial():
    for name, plan in plugins.strategies().items():
        assert (PACKAGE / "strategies" / plan.dial / f"{name}.py").is_file()


def test_every_task_fits_the_protocol():
    for task in plugins.tasks().values():
        assert isinstance(task, plugins.Task)


def test_all_four_dials_have_a_strategy_and_one_task_can_turn_them_all():
    dials = {plan.dial for plan in plugins.strategies().values()}
    assert {"parallel", "sequential", "search", "interaction"} <= dials
    for format in ("chat", "completion"):
        everywhere = [
            name
            for name, task in plugins.tasks().items()
            if all(plugins.misfit(plan, task, format) is None for plan in plugins.strategies().values())
        ]
        assert "wikiworld" in everywhere


def test_an_unknown_name_lists_what_exists():
    with pytest.raises(InputError, match=r"no allocator is called 'greedy'; there are: .*uniform"):
        plugins.find("allocator", "greedy", plugins.allocators())


def test_a_misfit_says_what_is_missing():
    gym = plugins.tasks().get("reasoning_gym")
    if gym is None:
        pytest.skip("no task without an environment is installed")
    reason = plugins.misfit(plugins.strategies()["act"], gym, "chat")
    assert reason is not None
    assert "environment" in reason
