"""The images are built as their pages say."""

import re
from pathlib import Path

import pytest

from interference_service.settings import Settings
from support.deploy_tools import DEPLOY, ROOT, checker, run

SERVICE = DEPLOY / "docker" / "Dockerfile"
CLIENT = DEPLOY / "docker" / "client.Dockerfile"
IMAGES = pytest.mark.parametrize("image", [SERVICE, CLIENT], ids=["service", "client"])


def instructions(path: Path) -> list[tuple[str, str]]:
    """Name and arguments of every instruction, those over several lines joined."""
    text = re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    lines = (line.partition(" ") for line in text.splitlines() if line.strip())
    return [(name, " ".join(rest.split())) for name, _, rest in lines]


def last_stage(path: Path) -> dict[str, str]:
    """The last of every instruction in the stage that is shipped."""
    found = instructions(path)
    start = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return dict(found[start:])


@IMAGES
def test_hadolint_finds_nothing(image: Path):
    hadolint = checker("hadolint", "`make test` puts it into .venv-deploy")
    found = run(hadolint, "--no-color", image)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@IMAGES
def test_the_process_is_no_superuser_and_no_shell(image: Path):
    stage = last_stage(image)
    assert stage["USER"] == "10001:10001"
    assert stage["ENTRYPOINT"].startswith('["interference')
    assert stage["CMD"].startswith("[")


@IMAGES
def test_the_base_is_given_from_outside(image: Path):
    bases = [rest.split()[0] for name, rest in instructions(image) if name == "FROM"]
    assert set(bases) == {"${BASE_IMAGE}"}


@IMAGES
def test_versions_are_those_that_the_project_is_tested_with(image: Path):
    variables = " ".join(rest for name, rest in instructions(image) if name == "ENV")
    assert "PIP_CONSTRAINT=/build/constraints.txt" in variables


def test_the_health_of_the_service_is_its_own_command():
    assert last_stage(SERVICE)["HEALTHCHECK"].endswith(
        'CMD ["interference-service", "healthcheck"]'
    )


def test_the_image_sets_variables_that_the_service_has():
    told = re.findall(r"INTERFERENCE_(\w+)=", last_stage(SERVICE)["ENV"])
    assert told
    for each in told:
        name, _, part = each.lower().partition("__")
        field = Settings.model_fields[name]
        assert not part or part in field.annotation.model_fields


def test_what_is_copied_is_sent_to_the_builder():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for image in (SERVICE, CLIENT)
        for name, rest in instructions(image)
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == sent
    assert not [each for each in sent if not (ROOT / each).exists()]
    assert "*" in lines
