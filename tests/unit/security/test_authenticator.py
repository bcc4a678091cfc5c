"""Whom credentials stand for."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from interference_service.domain.access import Credentials, Principal, Role
from interference_service.errors import Unauthenticated
from interference_service.security.authenticator import AccessAuthenticator
from support.access import access_of, lines, replace, token_line

TOKEN = "gi_of-alice"
SPIFFE_ID = "spiffe://acme/dashboards"
CERTIFICATE = {"name": "dashboards", "certificate": SPIFFE_ID, "grants": {"*": "reader"}}
ALICE = Principal("alice", {"solar": Role.WRITER})
DASHBOARDS = Principal("dashboards", {"*": Role.READER})


def authenticator(directory: Path, **changes) -> AccessAuthenticator:
    return AccessAuthenticator(
        access_of(directory, token_line("alice", TOKEN, **changes), CERTIFICATE)
    )


async def cause(authenticator: AccessAuthenticator, *headers: str, certificate: str = "") -> str:
    with pytest.raises(Unauthenticated) as caught:
        await authenticator.authenticate(Credentials(headers, certificate))
    assert TOKEN not in f"{caught.value.message} {caught.value.metadata}"
    return caught.value.metadata["cause"]


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f"BEARER {TOKEN}"])
async def test_a_token_stands_for_the_principal_of_its_line(tmp_path: Path, header):
    found = await authenticator(tmp_path).authenticate(Credentials((header,)))
    assert found == ALICE


async def test_a_certificate_stands_for_the_principal_of_its_line(tmp_path: Path):
    found = await authenticator(tmp_path).authenticate(Credentials((), SPIFFE_ID))
    assert found == DASHBOARDS


async def test_a_token_decides_beside_a_certificate(tmp_path: Path):
    known = authenticator(tmp_path)
    shown = Credentials((f"Bearer {TOKEN}",), SPIFFE_ID)
    assert await known.authenticate(shown) == ALICE
    assert await cause(known, "Bearer gi_wrong", certificate=SPIFFE_ID) == "unknown_credentials"


@pytest.mark.parametrize(
    ("headers", "certificate", "expected"),
    [
        ((), "", "no_credentials"),
        ((), "spiffe://acme/other", "unknown_credentials"),
        ((), "CN=dashboards", "unknown_credentials"),
        ((f"Bearer {TOKEN}", f"Bearer {TOKEN}"), "", "several_credentials"),
        ((f"Bearer {TOKEN}", ""), SPIFFE_ID, "several_credentials"),
        (("",), SPIFFE_ID, "malformed_credentials"),
        ((TOKEN,), "", "malformed_credentials"),
        (("Bearer",), "", "malformed_credentials"),
        ((f"Basic {TOKEN}",), "", "malformed_credentials"),
        ((f"Bearer {TOKEN} ",), "", "malformed_credentials"),
        ((f"Bearer {TOKEN}\n",), "", "malformed_credentials"),
        ((f"Bearer {TOKEN}, Bearer {TOKEN}",), "", "malformed_credentials"),
        ((f"Bearer {TOKEN.upper()}",), "", "unknown_credentials"),
        (("Bearer a.b.c",), "", "unknown_credentials"),
    ],
)
async def test_whoever_is_not_known_is_refused(tmp_path: Path, headers, certificate, expected):
    assert await cause(authenticator(tmp_path), *headers, certificate=certificate) == expected


@pytest.fixture(scope="module")
def knows_alice(tmp_path_factory: pytest.TempPathFactory) -> AccessAuthenticator:
    return authenticator(tmp_path_factory.mktemp("access"))


@given(headers=st.lists(st.text() | st.just(f"Bearer {TOKEN}"), max_size=3))
def test_no_other_header_stands_for_anybody(knows_alice, headers):
    shown = Credentials(tuple(headers))
    if headers == [f"Bearer {TOKEN}"]:
        assert asyncio.run(knows_alice.authenticate(shown)) == ALICE
    else:
        with pytest.raises(Unauthenticated):
            asyncio.run(knows_alice.authenticate(shown))


@pytest.mark.parametrize("seconds", [-1, 3600])
async def test_a_token_serves_until_it_expires(tmp_path: Path, seconds):
    expires = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    known = authenticator(tmp_path, expires=expires)
    if seconds < 0:
        assert await cause(known, f"Bearer {TOKEN}") == "expired_credentials"
    else:
        assert await known.authenticate(Credentials((f"Bearer {TOKEN}",))) == ALICE


async def test_a_token_that_is_taken_out_of_the_file_serves_no_longer(tmp_path: Path):
    known = authenticator(tmp_path)
    replace(tmp_path / "access.jsonl", lines(CERTIFICATE))
    assert await cause(known, f"Bearer {TOKEN}") == "unknown_credentials"
