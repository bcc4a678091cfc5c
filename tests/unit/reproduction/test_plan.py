import pytest

from interference_service.reproduction.plan import (
    BASELINE,
    BUDGETS,
    COMPARED,
    MITIGATIONS,
    analysed_epochs,
    budget_of,
    named_budget,
    plan_of,
)


def test_the_networks_of_the_claim_are_trained_with_nothing_else_changed():
    plan = plan_of("cifar10-lt", budget_of("cifar10-lt"), seeds=1)
    assert [each.network for each in plan.keys] == list(COMPARED)
    assert {(each.loss, each.gradient) for each in plan.keys} == {("cross_entropy", "mean")}


def test_a_seed_is_whole_before_the_next_begins():
    plan = plan_of("digits", budget_of("digits"), seeds=3, mitigations=True)
    seeds = [each.seed for each in plan.keys]
    assert seeds == sorted(seeds)
    assert {seeds.count(seed) for seed in range(3)} == {len(COMPARED) + len(MITIGATIONS)}


def test_mitigations_are_of_the_baseline_which_is_then_trained_too():
    plan = plan_of("digits", budget_of("digits"), seeds=1, networks=["csba_cnn"], mitigations=True)
    baseline = [each for each in plan.keys if each.network == BASELINE]
    assert {(each.loss, each.gradient) for each in baseline} == {
        ("cross_entropy", "mean"),
        *MITIGATIONS,
    }


def test_nothing_is_trained_twice():
    plan = plan_of(
        "digits",
        budget_of("digits"),
        seeds=2,
        networks=[BASELINE, BASELINE],
        losses=["cross_entropy", "class_balanced"],
        mitigations=True,
    )
    assert len({each.slug for each in plan.keys}) == len(plan.keys)


@pytest.mark.parametrize(
    ("dataset", "wanted", "imbalance"),
    [
        ("cifar10-lt", None, 100.0),
        ("cifar10-lt", 1.0, 1.0),
        ("solar-panels", None, None),
        ("infrared-solar-modules", 50.0, 50.0),
    ],
)
def test_the_long_tail_is_the_papers_unless_another_is_asked_for(dataset, wanted, imbalance):
    plan = plan_of(dataset, budget_of(dataset), seeds=1, imbalance=wanted)
    assert {each.imbalance for each in plan.keys} == {imbalance}


@pytest.mark.parametrize(
    ("epochs", "every", "analysed"),
    [(10, 4, (0, 4, 8, 10)), (8, 4, (0, 4, 8)), (3, 100, (0, 3)), (3, 0, ())],
)
def test_the_first_and_the_last_epoch_are_analysed_where_any_is(epochs, every, analysed):
    budget = budget_of("digits", epochs=epochs, analyse_every=every)
    assert analysed_epochs(budget) == analysed


def test_a_budget_is_changed_in_what_is_asked_for_and_nothing_else():
    named = budget_of("solar-panels", "hour")
    changed = budget_of("solar-panels", "hour", learning_rate=0.3, augment=False)
    assert (changed.learning_rate, changed.augment) == (0.3, False)
    assert changed.model_copy(update={"learning_rate": 0.02, "augment": True}) == named


@pytest.mark.parametrize("name", BUDGETS)
def test_every_warm_up_ends_before_the_training(name):
    for dataset in ("cifar10-lt", "solar-panels", "infrared-solar-modules", "digits"):
        for epochs in (None, 1, 2):
            budget = budget_of(dataset, name, epochs=epochs)
            assert budget.warm_up_epochs < budget.epochs


def test_a_reduced_budget_is_called_so():
    assert named_budget("cifar10-lt", budget_of("cifar10-lt", epochs=12)) == (
        "reduced budget: 12 of 200 epochs"
    )
    assert named_budget("cifar10-lt", budget_of("cifar10-lt")) == "full budget: 200 epochs"
