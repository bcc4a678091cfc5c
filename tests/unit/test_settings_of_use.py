"""What an operator may say of quotas and calls, and what is told where it does not fit."""

import json

import pytest
from pydantic import ValidationError

from interference_service.cli import USAGE_ERROR, main
from interference_service.domain.job import Priority
from interference_service.domain.quotas import Quota
from interference_service.settings import Settings


def test_a_default_and_quotas_of_projects_stand_side_by_side(monkeypatch):
    monkeypatch.setenv("INTERFERENCE_QUOTAS__DEFAULT__MAX_ACTIVE_JOBS", "7")
    own = {"solar": {"max_watches": 3, "highest_priority": "PRIORITY_NORMAL"}}
    monkeypatch.setenv("INTERFERENCE_QUOTAS__PROJECTS", json.dumps(own))
    quotas = Settings().quotas
    assert quotas.of("wind") == Quota(max_active_jobs=7)
    assert quotas.of("solar") == Quota(
        max_active_jobs=7, max_watches=3, highest_priority=Priority.NORMAL
    )


def test_the_usual_quota_is_bounded_in_everything():
    quota = Settings().quotas.of("any")
    assert quota.max_active_jobs
    assert quota.max_matrix_streams
    assert quota.submits_per_minute
    assert quota.max_watches >= quota.max_active_jobs  # whoever submits can wait


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("QUOTAS__DEFAULT__MAX_ACTIVE_JOBS", "-1", "greater than or equal to 0"),
        ("QUOTAS__DEFAULT__SUBMIT_BURST", "0", "greater than or equal to 1"),
        ("QUOTAS__DEFAULT__SUBMITS_PER_MINUTE", "nan", "finite"),
        ("QUOTAS__DEFAULT__MAX_TTL_SECONDS", "0", "greater than 0"),
        ("QUOTAS__DEFAULT__HIGHEST_PRIORITY", "urgent", "'PRIORITY_LOW', 'PRIORITY_NORMAL'"),
        ("QUOTAS__PROJECTS", '{"Solar!": {}}', "should match pattern"),
        ("QUOTAS__PROJECTS", '{"solar": {"max_jobs": 1}}', "Extra inputs are not permitted"),
        ("GRPC__UNARY_AT_ONCE", "0", "greater than or equal to 1"),
        ("GRPC__UNARY_SECONDS", "0", "greater than 0"),
        ("MINIMUM_CLIENT_VERSION", "newest", "Invalid version: 'newest'"),
    ],
)
def test_what_does_not_fit_is_told_by_name_before_anything_starts(
    monkeypatch, capsys, variable, text, told
):
    monkeypatch.setenv(f"INTERFERENCE_{variable}", text)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert told in str(caught.value)
    assert main(["migrate"]) == USAGE_ERROR
    written = capsys.readouterr().err
    assert f"INTERFERENCE_{variable}" in written
    assert told in written
