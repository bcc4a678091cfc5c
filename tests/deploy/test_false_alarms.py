"""No alert tells of noise: analyses without interference, and the rules as they are."""

from pathlib import Path

from support.in_process import analysed, scrapes
from support.rule_tests import assert_only_these_fire
from support.unlearning import CLASSES, MINORITY, example, network

SEEDS = range(20)
NOISE = 1.0
"""So much that bounds of the progress ratio reach from below 0 to far above 1."""


def test_a_network_without_interference_never_fires(tmp_path: Path):
    analyses = [
        analysed(network(healed=True, seed=seed), example(seed, NOISE), CLASSES) for seed in SEEDS
    ]
    assert_only_these_fire(tmp_path, scrapes("crops", analyses))


def test_the_same_scrapes_fire_for_a_network_that_unlearns_its_minority(tmp_path: Path):
    analyses = [
        analysed(network(healed=False, seed=seed), example(seed, NOISE), CLASSES)
        for seed in SEEDS[:3]
    ]
    assert_only_these_fire(
        tmp_path,
        scrapes("crops", analyses),
        ("InterferenceMinorityUnlearned", "critical", MINORITY),
        ("InterferenceMinorityUnlearned", "warning", MINORITY),
        ("InterferenceSuppressionHigh", "warning", MINORITY),
    )
