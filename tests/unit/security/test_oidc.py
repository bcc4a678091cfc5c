"""Tokens that an issuer signs."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies as st

from interference_service.domain.access import Principal, Role
from interference_service.errors import Unauthenticated
from interference_service.security.description import OidcDescription
from interference_service.security.keys import open_keys
from interference_service.security.oidc import OidcTokens
from support.access import Failures, access_of
from support.issuer import AUDIENCE, ISSUER, SigningKey, key_set, rsa_key

KEY, RSA = SigningKey("one"), rsa_key("rsa")
GRANTS = (
    {"claim": "ml", "grants": {"solar": "writer"}},
    {"claim": "all", "grants": {"*": "reader"}},
)
NOW = int(time.time())


@pytest.fixture
def tokens(tmp_path: Path):
    """Tells principals by the keys of an issuer, under changed rules."""

    def make(**rules) -> OidcTokens:
        path = tmp_path / "keys"
        path.write_bytes(key_set(KEY, RSA))
        described = OidcDescription(
            **{"issuer": ISSUER, "audience": AUDIENCE, "keys_file": path} | rules
        )
        keys = open_keys(described, Failures())
        return OidcTokens(described, keys, access_of(tmp_path, *GRANTS))

    return make


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory):
    """A token, and what tells its principal."""
    directory = tmp_path_factory.mktemp("issued")
    (directory / "keys").write_bytes(key_set(KEY))
    described = OidcDescription(
        issuer=ISSUER, audience=AUDIENCE, keys_file=directory / "keys", leeway_seconds=300
    )
    access = access_of(directory, *GRANTS)
    return OidcTokens(described, open_keys(described, Failures()), access), KEY.token()


async def refusal(tokens: OidcTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await tokens.principal(token)
    assert token not in f"{caught.value.message} {caught.value.metadata}"
    return caught.value.metadata["cause"]


@pytest.mark.parametrize("key", [KEY, RSA], ids=lambda key: key.algorithm)
async def test_a_token_stands_for_its_subject_with_what_its_groups_are_granted(tokens, key):
    found = await tokens().principal(key.token(groups=["ml", "all", "unknown"]))
    assert found == Principal("oidc:alice", {"solar": Role.WRITER, "*": Role.READER})


async def test_a_group_may_stand_alone_and_other_claims_may_say_who_and_what(tokens):
    made = tokens(principal_claim="email", grants_claim="team")
    found = await made.principal(KEY.token(email="alice@acme.example", team="all"))
    assert found == Principal("oidc:alice@acme.example", {"*": Role.READER})


@pytest.mark.parametrize("groups", [None, [], ["unknown"], [1, {"ml": 1}]])
async def test_a_token_without_a_group_of_the_file_is_granted_nothing(tokens, groups):
    assert (await tokens().principal(KEY.token(groups=groups))).grants == {}


@pytest.mark.parametrize("audience", [AUDIENCE, ["others", AUDIENCE]])
async def test_a_token_for_several_services_is_for_this_one(tokens, audience):
    assert (await tokens().principal(KEY.token(aud=audience))).name == "oidc:alice"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": f"{ISSUER}/"},
        {"aud": "others"},
        {"aud": None},
        {"aud": ["others"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "a" * 256},
        {"groups": {"ml": True}},
    ],
    ids=repr,
)
async def test_a_token_that_does_not_say_what_it_must_is_invalid(tokens, claims):
    assert await refusal(tokens(), KEY.token(**claims)) == "invalid_credentials"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_of_the_future_is_invalid(tokens, claim):
    assert await refusal(tokens(), KEY.token(**{claim: NOW + 3600})) == "invalid_credentials"


async def test_a_subject_that_is_no_text_is_invalid(tokens):
    made = tokens(principal_claim="number")
    assert await refusal(made, KEY.token(number=7)) == "invalid_credentials"


async def test_a_token_that_is_over_is_told_so_beyond_the_leeway(tokens):
    made = tokens(leeway_seconds=100)
    now = int(time.time())
    assert await refusal(made, KEY.token(exp=now - 200)) == "expired_credentials"
    assert (await made.principal(KEY.token(exp=now - 50))).name == "oidc:alice"


@pytest.mark.parametrize(
    "token",
    [
        SigningKey("one").token(),  # by another key that calls itself so
        SigningKey("unknown").token(),
        SigningKey("rsa").token(),  # a curve under the id of an RSA key
        SigningKey("one", ec.generate_private_key(ec.SECP384R1()), "ES384").token(),
        rsa_key("rsa", "RS512").token(),
        KEY.token().rpartition(".")[0] + ".AAAA",
        jwt.encode({"sub": "alice"}, "secret" * 10, "HS256", {"kid": "one"}),
        KEY.token({"crit": ["policy"], "policy": "strict"}),
    ],
)
async def test_a_token_that_the_issuer_did_not_sign_is_invalid(tokens, token):
    assert await refusal(tokens(), token) == "invalid_credentials"


def encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def test_a_token_without_a_signature_is_invalid(tokens):
    claims = KEY.token().split(".")[1]
    for algorithm in ("none", "None", "NONE", "", None):
        header = encoded({"alg": algorithm, "kid": "one"})
        assert await refusal(tokens(), f"{header}.{claims}.") == "invalid_credentials"


async def test_a_public_key_is_no_secret_to_sign_with(tokens):
    public = RSA.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': 'HS256', 'kid': 'rsa'})}.{RSA.token().split('.')[1]}"
    mac = hmac.digest(pem, signed.encode(), hashlib.sha256)
    token = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert await refusal(tokens(), token) == "invalid_credentials"


async def test_an_algorithm_that_is_not_allowed_is_refused_whatever_its_key(tokens):
    assert await refusal(tokens(algorithms=("ES256",)), RSA.token()) == "invalid_credentials"


@pytest.mark.parametrize("token", ["a.b.c", "..", "e30.e30.e30x", "\N{SNOWMAN}.a.b", "a" * 9000])
async def test_what_is_no_token_is_invalid(tokens, token):
    assert await refusal(tokens(), token) == "invalid_credentials"


@given(at=st.integers(0), character=st.characters(codec="ascii"))
def test_a_token_that_was_changed_never_stands_for_another(issued, at, character):
    tokens, token = issued
    at %= len(token)
    changed = token[:at] + character + token[at + 1 :]
    try:
        found = asyncio.run(tokens.principal(changed))
    except Unauthenticated:
        return
    # The last character of a part has bits that say nothing.
    assert found == asyncio.run(tokens.principal(token))


async def test_a_header_that_is_too_deep_is_invalid(tokens):
    deep = base64.urlsafe_b64encode(b"[" * 5000 + b"]" * 5000).decode().rstrip("=")
    _, payload, signature = KEY.token().split(".")
    assert await refusal(tokens(), f"{deep}.{payload}.{signature}") == "invalid_credentials"


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5u", "cty"]),
    st.none()
    | st.booleans()
    | st.floats()
    | st.text()
    | st.lists(st.text())
    | st.sampled_from(["ES256", "RS256", "one", "rsa"]),
)


@given(header=HEADERS)
def test_no_header_makes_up_for_a_signature(issued, header):
    tokens, token = issued
    _, payload, signature = token.split(".")
    with pytest.raises(Unauthenticated):
        asyncio.run(tokens.principal(f"{encoded(header)}.{payload}.{signature}"))


async def test_a_token_whose_payload_was_changed_is_invalid(tokens):
    header, _, signature = KEY.token().split(".")
    payload = KEY.token(sub="root").split(".")[1]
    assert await refusal(tokens(), f"{header}.{payload}.{signature}") == "invalid_credentials"
