"""Networks of installed packages, found by their entry points."""

from pathlib import Path

import pytest

from interference_service.architectures.registry import OURS, architecture
from interference_service.errors import InputUnsupported
from support.model_files import install_distribution

REFERENCE = "support.reference_networks:ARCHITECTURE"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that packages are installed into."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def refused(name: str) -> str:
    with pytest.raises(InputUnsupported) as caught:
        architecture(name)
    assert [each.field for each in caught.value.violations] == ["spec.model.architecture"]
    return caught.value.message


def test_a_network_of_an_installed_package_is_found(site):
    install_distribution(site, {"reference": REFERENCE})
    assert architecture("reference").arguments.model_fields.keys() == {"network"}


def test_a_package_cannot_take_the_name_of_one_of_ours(site):
    install_distribution(site, {"mlp": REFERENCE})
    assert architecture("mlp") is OURS["mlp"]


@pytest.mark.parametrize("name", ["none", "os:system", "support.reference_networks:ARCHITECTURE"])
def test_a_name_that_no_package_brings_is_refused(site, name):
    install_distribution(site, {"reference": REFERENCE})
    assert "ask the operator" in refused(name)


def test_a_name_that_two_packages_bring_is_refused(site, monkeypatch, tmp_path_factory):
    install_distribution(site, {"reference": REFERENCE})
    second = tmp_path_factory.mktemp("second")
    install_distribution(second, {"reference": REFERENCE}, package="other")
    monkeypatch.syspath_prepend(second)
    assert "2 packages" in refused("reference")


def test_a_package_that_cannot_be_imported_is_told(site):
    install_distribution(site, {"broken": "no_such_package:ARCHITECTURE"})
    assert "No module named 'no_such_package'" in refused("broken")


def test_an_entry_point_that_is_no_architecture_is_told(site):
    install_distribution(site, {"broken": "support.reference_networks:NETWORKS"})
    assert "lacks arguments, build, example_inputs" in refused("broken")
