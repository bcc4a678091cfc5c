"""What says who may call is looked at as the start of the service looks at it."""

from datetime import timedelta
from pathlib import Path

import pytest

from interference_service.diagnosis import callers
from interference_service.diagnosis.check import Unwell
from interference_service.security.description import OidcDescription
from support.access import lines, token_line
from support.certificates import DAY, authority
from support.issuer import AUDIENCE, ISSUER, SigningKey, key_set
from support.network_ports import free_port
from support.scripted_http import says, scripted_http

AUTHORITY = authority()


def issuer(**keys: object) -> OidcDescription:
    return OidcDescription(issuer=ISSUER, audience=AUDIENCE, **keys)


def test_a_certificate_with_its_key_is_well(tmp_path: Path):
    certificate, key = AUTHORITY.server().write(tmp_path, "server")
    authorities, _ = AUTHORITY.write(tmp_path, "authority")
    assert f"{certificate} holds until " in callers.certificate(certificate, key, None)
    assert "clients need" in callers.certificate(certificate, key, authorities)


def test_a_certificate_without_its_key_is_told_with_its_variables(tmp_path: Path):
    certificate, _ = AUTHORITY.server().write(tmp_path, "server")
    _, other = AUTHORITY.server().write(tmp_path, "other")
    with pytest.raises(Unwell, match=f"{other}: is not the key") as caught:
        callers.certificate(certificate, other, None)
    assert "INTERFERENCE_SECURITY__CERTIFICATE" in caught.value.remedy


@pytest.mark.parametrize(
    ("left", "said"), [(timedelta(hours=1), "which is soon"), (-timedelta(hours=1), "expired at")]
)
def test_a_certificate_at_the_end_of_its_life_is_told(tmp_path: Path, left, said):
    files = AUTHORITY.server(since=-DAY, until=left).write(tmp_path, "server")
    with pytest.raises(Unwell, match=said):
        callers.certificate(*files, None)


def test_an_access_file_is_counted_or_told_by_its_line(tmp_path: Path):
    file = tmp_path / "access.jsonl"
    file.write_text(lines(token_line("a"), token_line("b")))
    assert callers.access_file(file) == f"{file}: tokens 2, certificates 0, claims 0"
    file.write_text(lines(token_line("a"), {"name": "b"}))
    with pytest.raises(Unwell, match="line 2: must have one of"):
        callers.access_file(file)


def test_keys_of_an_issuer_are_found_in_a_file_or_at_its_address(tmp_path: Path):
    file = tmp_path / "keys"
    file.write_bytes(key_set(SigningKey("one")))
    assert ISSUER in callers.issuer_keys(issuer(keys_file=file))
    with scripted_http() as server:
        server.replies["/keys"] = says(200, file.read_bytes())
        assert ISSUER in callers.issuer_keys(issuer(keys_url=f"{server.uri}/keys"))


def test_keys_that_cannot_be_had_are_told(tmp_path: Path):
    with pytest.raises(Unwell, match="gone: cannot be read"):
        callers.issuer_keys(issuer(keys_file=tmp_path / "gone"))
    with scripted_http() as server:
        server.replies["/empty"] = says(200, b'{"keys": []}')
        with pytest.raises(Unwell, match="/empty: has no key"):
            callers.issuer_keys(issuer(keys_url=f"{server.uri}/empty"))
        with pytest.raises(Unwell, match="status is 404"):
            callers.issuer_keys(issuer(keys_url=f"{server.uri}/elsewhere"))
    with pytest.raises(Unwell, match=r"cannot be read \(ConnectionRefusedError\)") as caught:
        callers.issuer_keys(issuer(keys_url=f"http://127.0.0.1:{free_port()}/keys"))
    assert "INTERFERENCE_SECURITY__OIDC__" in caught.value.remedy
