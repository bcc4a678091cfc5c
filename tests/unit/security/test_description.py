"""What an operator may say of who may call, and what is told where it does not fit."""

import pytest
from pydantic import ValidationError

from interference_service.settings import Settings

TLS = {"CERTIFICATE": "/tls/server.crt", "KEY": "/tls/server.key"}
ACCESS = {"ACCESS_FILE": "/access.jsonl"}
OIDC = {
    "OIDC__ISSUER": "https://issuer.example",
    "OIDC__AUDIENCE": "interference",
    "OIDC__KEYS_URL": "https://issuer.example/keys",
}


@pytest.fixture
def settings(monkeypatch):
    """Reads the settings of an environment that says something of security."""

    def read(host: str, **variables: str) -> Settings:
        monkeypatch.setenv("INTERFERENCE_HOST", host)
        for name, value in variables.items():
            monkeypatch.setenv(f"INTERFERENCE_SECURITY__{name}", value)
        return Settings()

    return read


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_nothing_is_asked_for(settings, host):
    assert settings(host).security.access_file is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gpu-7.example", ""])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "in the clear; set INTERFERENCE_SECURITY__CERTIFICATE"),
        (ACCESS, "INTERFERENCE_SECURITY__ALLOW_PLAINTEXT=true"),
        ({"ALLOW_ANONYMOUS": "true"}, "in the clear"),
        (TLS, "everybody there could do everything; set INTERFERENCE_SECURITY__ACCESS_FILE"),
        ({"ALLOW_PLAINTEXT": "true"}, "INTERFERENCE_SECURITY__ALLOW_ANONYMOUS=true"),
    ],
)
def test_to_others_nothing_is_exposed_unasked(settings, host, variables, told):
    with pytest.raises(ValidationError) as caught:
        settings(host, **variables)
    (error,) = caught.value.errors()
    assert error["loc"] == ("security",)
    assert told in error["msg"]


@pytest.mark.parametrize(
    "variables",
    [
        TLS | ACCESS,
        TLS | ACCESS | OIDC | {"CLIENT_AUTHORITIES": "/tls/clients.crt"},
        ACCESS | {"ALLOW_PLAINTEXT": "true"},
        TLS | {"ALLOW_ANONYMOUS": "true"},
        {"ALLOW_PLAINTEXT": "true", "ALLOW_ANONYMOUS": "true"},
    ],
)
def test_what_is_protected_or_asked_for_is_served(settings, variables):
    assert settings("0.0.0.0", **variables).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"CERTIFICATE": "/a"}, "certificate and key are set together"),
        ({"KEY": "/a"}, "certificate and key are set together"),
        (ACCESS | {"CLIENT_AUTHORITIES": "/a"}, "client_authorities needs certificate and key"),
        (TLS | {"CLIENT_AUTHORITIES": "/a"}, "set access_file"),
        (OIDC, "set access_file"),
        (ACCESS | OIDC | {"OIDC__KEYS_FILE": "/a"}, "set one of keys_url and keys_file"),
        (ACCESS | OIDC | {"OIDC__ALGORITHMS": '["HS256"]'}, "'RS256'"),
        (ACCESS | OIDC | {"OIDC__ALGORITHMS": '["none"]'}, "'RS256'"),
        (ACCESS | OIDC | {"OIDC__ALGORITHMS": "[]"}, "at least 1 item"),
        (ACCESS | OIDC | {"OIDC__AUDIENCE": ""}, "at least 1 character"),
        (ACCESS | OIDC | {"OIDC__LEEWAY_SECONDS": "86400"}, "less than or equal to 300"),
    ],
)
def test_what_does_not_belong_together_is_told(settings, variables, told):
    with pytest.raises(ValidationError, match=told):
        settings("127.0.0.1", **variables)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/keys",
        "http://127.0.0.1.example/keys",
        "https://user:password@issuer.example/keys",
        "file:///etc/passwd",
        "https://",
        "https://issuer.example/a b",
    ],
)
def test_keys_are_asked_for_over_https_alone(settings, url):
    with pytest.raises(ValidationError, match="String should match pattern"):
        settings("127.0.0.1", **ACCESS, **OIDC | {"OIDC__KEYS_URL": url})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/keys", "http://localhost/keys", "https://[::1]:9/keys?a=b"]
)
def test_keys_may_be_asked_for_on_this_machine(settings, url):
    assert settings("127.0.0.1", **ACCESS, **OIDC | {"OIDC__KEYS_URL": url}).security.oidc
