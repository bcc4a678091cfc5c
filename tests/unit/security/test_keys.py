"""Keys of an issuer: from a file, or over HTTP."""

import asyncio
import ssl
import threading
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from interference_service.domain.access import Source
from interference_service.errors import AuthenticationUnavailable
from interference_service.security.keys import (
    MOST_BYTES,
    FileKeys,
    RemoteKeys,
    UnusableKeys,
    fetcher,
    parse_keys,
)
from interference_service.security.watched import UnusableFile
from support.access import Failures, replace
from support.certificates import authority
from support.issuer import SigningKey, key_set, rsa_key
from support.scripted_http import says, scripted_http

ALGORITHMS = ("ES256", "RS256", "PS256")
ONE, OTHER = SigningKey("one"), SigningKey("other")


def test_a_key_serves_the_algorithms_that_fit_it():
    keys = parse_keys(key_set(ONE, rsa_key("rsa")), ALGORITHMS)
    assert {pair for pair in keys if pair[0]} == {
        ("one", "ES256"),
        ("rsa", "RS256"),
        ("rsa", "PS256"),
    }


def test_a_key_that_names_its_algorithm_serves_no_other():
    described = rsa_key("rsa").public | {"alg": "PS256"}
    assert {pair for pair in parse_keys(key_set(others=[described]), ALGORITHMS) if pair[0]} == {
        ("rsa", "PS256")
    }


def test_keys_of_other_kinds_and_uses_are_left_out():
    others = [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "secret"},
        {"kty": "new-kind", "kid": "new"},
        rsa_key("for-encryption").public | {"use": "enc"},
    ]
    keys = parse_keys(key_set(ONE, others=others), ALGORITHMS)
    assert {name for name, _ in keys if name} == {"one"}


def test_without_an_id_the_only_key_that_fits_is_found_and_no_choice_is_made():
    assert (None, "ES256") in parse_keys(key_set(ONE, rsa_key("rsa")), ALGORITHMS)
    assert (None, "ES256") not in parse_keys(key_set(ONE, OTHER), ALGORITHMS)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}', b'{"keys": []}', b"[" * 100_000, b"\xff"],
)
def test_what_is_no_set_of_keys_is_refused(text):
    with pytest.raises(UnusableKeys):
        parse_keys(text, ALGORITHMS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "kid", "use", "alg", "crv", "x", "y", "n", "e", "d", "k"]),
    JSON | st.sampled_from(["EC", "RSA", "oct", "OKP", "P-256", "sig", "ES256", "AQAB"]),
)


@given(others=st.lists(JSON | MEMBERS | st.just(ONE.public), max_size=5))
def test_whatever_else_is_in_a_set_its_keys_are_found(others):
    assert ("other", "ES256") in parse_keys(key_set(OTHER, others=others), ALGORITHMS)


async def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_bytes(key_set(ONE))
    keys = FileKeys(path, ALGORITHMS, failures := Failures())
    assert await keys.find("one", "ES256") is not None
    assert await keys.find("other", "ES256") is None
    replace(path, key_set(OTHER))
    assert await keys.find("one", "ES256") is None
    replace(path, "nonsense")
    assert await keys.find("other", "ES256") is not None
    assert failures == [Source.ISSUER_KEYS]


def test_a_file_without_a_key_that_fits_is_named(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_bytes(key_set(rsa_key("rsa")))
    with pytest.raises(UnusableFile, match="keys: has no key for signatures by ES256"):
        FileKeys(path, ["ES256"], Failures())


class Issuer:
    """Answers from a script, on a clock that the test turns."""

    def __init__(self, *keys: SigningKey, timeout_seconds: float = 60.0) -> None:
        self.keys = keys
        self.error: Exception | None = None
        self.asked = 0
        self.seconds = 1000.0
        self.answering = threading.Event()
        self.answering.set()
        self.failures = Failures()
        self.remote = RemoteKeys(
            self.answer,
            ALGORITHMS,
            refresh_seconds=300,
            timeout_seconds=timeout_seconds,
            failed=self.failures,
            now=lambda: self.seconds,
        )

    def answer(self) -> bytes:
        self.asked += 1
        assert self.answering.wait(60)
        if self.error is not None:
            raise self.error
        return key_set(*self.keys)

    async def knows(self, key: SigningKey) -> bool:
        return await self.remote.find(key.id, key.algorithm) is not None


async def test_the_issuer_is_asked_once_for_keys_that_it_has():
    issuer = Issuer(ONE, OTHER)
    assert all(await asyncio.gather(*(issuer.knows(key) for key in [ONE, OTHER] * 10)))
    assert issuer.asked == 1


async def test_a_key_that_is_new_is_asked_for():
    issuer = Issuer(ONE)
    assert await issuer.knows(ONE)
    issuer.keys = (ONE, OTHER)
    issuer.seconds += 11
    assert await issuer.knows(OTHER)


async def test_keys_that_callers_make_up_are_asked_for_once_in_a_while():
    issuer = Issuer(ONE)
    made_up = [SigningKey(f"made-up-{number}") for number in range(5)]
    for _ in range(3):
        issuer.seconds += 11
        assert not any([await issuer.knows(key) for key in made_up])
    assert issuer.asked == 3


async def test_old_keys_serve_while_they_are_asked_for_again():
    issuer = Issuer(ONE)
    assert await issuer.knows(ONE)
    issuer.answering.clear()
    issuer.keys, issuer.seconds = (OTHER,), issuer.seconds + 301
    assert await issuer.knows(ONE)
    issuer.answering.set()
    assert await issuer.knows(OTHER)  # waits for what is under way
    assert not await issuer.knows(ONE)
    assert issuer.asked == 2


@pytest.mark.parametrize("error", [OSError("down"), UnusableKeys("are none")])
async def test_while_the_issuer_is_down_its_old_keys_serve_and_new_ones_are_unavailable(error):
    issuer = Issuer(ONE)
    assert await issuer.knows(ONE)
    issuer.error, issuer.seconds = error, issuer.seconds + 301
    assert await issuer.knows(ONE)
    for _ in range(3):
        with pytest.raises(AuthenticationUnavailable) as caught:
            await issuer.knows(OTHER)
    assert await issuer.knows(ONE)
    assert issuer.asked == 2
    assert issuer.failures == [Source.ISSUER_KEYS]
    assert caught.value.metadata == {"cause": "keys_unavailable"}


async def test_an_issuer_that_comes_back_is_asked_again():
    issuer = Issuer(ONE)
    issuer.error = OSError("down")
    with pytest.raises(AuthenticationUnavailable):
        await issuer.knows(ONE)
    issuer.error, issuer.seconds = None, issuer.seconds + 11
    assert await issuer.knows(ONE)


async def test_an_issuer_that_hangs_makes_nobody_wait_longer_than_allowed():
    issuer = Issuer(ONE, timeout_seconds=0.05)
    issuer.answering.clear()
    try:
        with pytest.raises(AuthenticationUnavailable):
            await asyncio.wait_for(issuer.knows(ONE), 30)
        issuer.seconds += 1000
        with pytest.raises(AuthenticationUnavailable):
            await asyncio.wait_for(issuer.knows(ONE), 30)
    finally:
        issuer.answering.set()
    assert issuer.asked == 1  # one question is under way at a time


async def test_while_the_issuer_hangs_no_more_than_some_wait_for_it(monkeypatch):
    monkeypatch.setattr("interference_service.security.keys._MOST_WAITING", 2)
    issuer = Issuer(ONE, timeout_seconds=30)
    issuer.answering.clear()
    waiting = [asyncio.create_task(issuer.knows(ONE)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(AuthenticationUnavailable):
            await asyncio.wait_for(issuer.knows(OTHER), 10)
    finally:
        issuer.answering.set()
    assert await asyncio.gather(*waiting) == [True, True]


def test_an_answer_over_http_is_fetched():
    with scripted_http() as http:
        http.replies["/keys"] = says(200, key_set(ONE))
        assert fetcher(f"{http.uri}/keys?tenant=a", None, 10)() == key_set(ONE)
        ((path, headers),) = http.requests
    assert path == "/keys?tenant=a"
    assert "Authorization" not in headers


def test_an_issuer_is_asked_over_https_if_its_authority_is_trusted(tmp_path: Path):
    trusted, other = authority(), authority("other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*trusted.server().write(tmp_path, "issuer"))
    paths = [each.write(tmp_path, name)[0] for name, each in (("a", trusted), ("b", other))]
    with scripted_http(context) as http:
        http.replies["/keys"] = says(200, key_set(ONE))
        assert fetcher(f"{http.uri}/keys", paths[0], 10)() == key_set(ONE)
        for authorities in (paths[1], None):
            with pytest.raises(ssl.SSLCertVerificationError):
                fetcher(f"{http.uri}/keys", authorities, 10)()
        assert len(http.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        says(404),
        says(500, b"{}"),
        says(302, Location="/elsewhere"),
        says(200, b" " * (MOST_BYTES + 1)),
        says(200, b"{}", Content_Length="100"),
    ],
    ids=["missing", "broken", "moved", "huge", "cut"],
)
def test_another_answer_is_none(reply):
    with scripted_http() as http:
        http.replies |= {"/keys": reply, "/elsewhere": says(200, key_set(ONE))}
        with pytest.raises((OSError, ValueError)):
            fetcher(f"{http.uri}/keys", None, 10)()
        assert [path for path, _ in http.requests] == ["/keys"]


def test_an_answer_that_never_ends_is_cut():
    with scripted_http() as http:

        def drips(handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(b" ")
            http.stopping.wait(60)

        http.replies["/keys"] = drips
        with pytest.raises(TimeoutError):
            fetcher(f"{http.uri}/keys", None, 0.2)()
        assert not http.stopping.is_set()


def test_authorities_that_are_none_are_named(tmp_path: Path):
    path = tmp_path / "authorities"
    path.write_text("nonsense")
    with pytest.raises(UnusableFile, match="authorities: "):
        fetcher("https://issuer.example/keys", path, 1)
