import io
import re

from rich.console import Console

from interference_service.reproduction.display import Display
from support.reproduced import BUDGET, record


def shown(*, terminal: bool) -> str:
    """What is told of two trainings, of which one was there already."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=200)
    with Display(console, epochs=2 * BUDGET.epochs) as display:
        display.skip(BUDGET)
        found = record(seed=1)
        display.begin(found.key, BUDGET, done=1)
        display.epoch(found)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())


def test_bars_count_what_was_there_and_what_was_made():
    told = shown(terminal=True)
    assert re.search(r"all trainings, epochs.*4/4", told)
    assert re.search(r"seed1 .*2/2", told)


def test_without_a_terminal_there_is_a_line_an_epoch():
    told = shown(terminal=False)
    assert "digits-20-multi_branch_cnn-cross_entropy-mean-seed1: going on after epoch 1\n" in told
    assert "  epoch 2 of 2: macro F1 0.822, 2.0 s, 3 of 3 analyses\n" in told
    assert "all trainings" not in told
