"""Where the settings of a connection come from, and which goes before which."""

from pathlib import Path

import pytest

from interference_client._config import connection
from interference_client._tokens import token_of

FILE = """
context = "staging"

[contexts.staging]
target = "staging.example:443"
project = "solar"
token_file = "staging.token"
ca = "ca.pem"
patience = 7

[contexts.local]
target = "localhost:1"

[contexts.project-only]
project = "wind"
token_file = "staging.token"
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose file of contexts is there."""
    directory = tmp_path / "gradient-interference"
    directory.mkdir()
    (directory / "config.toml").write_text(FILE)
    (directory / "staging.token").write_text("of-staging\n")
    (directory / "ca.pem").write_bytes(b"PEM")
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_nothing_at_all_is_this_machine(tmp_path):
    found = connection(None, {}, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert (found.target, found.project, found.token) == ("localhost:50051", "default", "")
    assert found.plaintext


def test_the_file_says_which_context_is_used(home):
    found = connection(None, {}, home)
    assert (found.target, found.project, found.ca) == ("staging.example:443", "solar", b"PEM")
    assert (token_of(found.token), found.patience_seconds) == ("of-staging", 7)
    assert not found.plaintext


def test_a_context_is_chosen_by_variable_or_by_argument(home):
    by_variable = home | {"INTERFERENCE_CONTEXT": "local"}
    assert connection(None, {}, by_variable).target == "localhost:1"
    assert connection(None, {"context": "staging"}, by_variable).target == "staging.example:443"


def test_arguments_go_before_the_environment_before_the_file(home):
    environment = home | {"INTERFERENCE_PROJECT": "from-variable"}
    assert connection(None, {}, environment).project == "from-variable"
    assert connection(None, {"project": "mine"}, environment).project == "mine"


def test_a_context_that_is_an_argument_goes_before_the_environment(home):
    environment = home | {"INTERFERENCE_TARGET": "other:1", "INTERFERENCE_PROJECT": "other"}
    found = connection(None, {"context": "staging"}, environment)
    assert (found.target, found.project) == ("staging.example:443", "solar")


@pytest.mark.parametrize(
    ("target", "variables"), [("other.example:1", {}), (None, {"INTERFERENCE_TARGET": "other:1"})]
)
def test_the_secrets_of_a_context_go_to_its_own_target_only(home, target, variables):
    found = connection(target, {}, home | variables)
    assert (found.token, found.ca, found.project) == ("", None, "solar")


def test_a_named_context_with_a_target_gets_no_secret_of_the_environment(home, tmp_path):
    for name in ("other.pem", "other.token"):
        (tmp_path / name).write_text("of another service")
    environment = home | {
        "INTERFERENCE_TARGET": "other.example:1",
        "INTERFERENCE_TOKEN": "of-other",
        "INTERFERENCE_CA": str(tmp_path / "other.pem"),
        "INTERFERENCE_CERT": str(tmp_path / "other.pem"),
        "INTERFERENCE_KEY": str(tmp_path / "other.pem"),
        "INTERFERENCE_INSECURE": "true",
        "INTERFERENCE_PATIENCE": "3",
    }
    local = connection(None, {"context": "local"}, environment)
    assert (local.target, local.token, local.patience_seconds) == ("localhost:1", "", 3)
    assert (local.ca, local.certificate, local.key, local.insecure) == (None, None, None, False)
    by_file = environment | {"INTERFERENCE_TOKEN_FILE": str(tmp_path / "other.token")}
    del by_file["INTERFERENCE_TOKEN"]
    assert connection(None, {"context": "local"}, by_file).token == ""
    assert connection(None, {"context": "local", "token": "mine"}, environment).token == "mine"


def test_a_context_without_a_target_keeps_what_it_has(home):
    found = connection("other.example:1", {"context": "project-only"}, home)
    assert (token_of(found.token), found.project) == ("of-staging", "wind")


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(OSError, match=r"none\.toml"):
        connection(None, {}, {"INTERFERENCE_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("context = ", "is no TOML"),
        ("contexts = 3", "nothing else"),
        ("colour = 'red'", "nothing else"),
        ("context = 'a'", "there is no context 'a'"),
        ("context = 'a'\n[contexts.a]\nport = 3", "contexts.a .* has 'port'; it may have target"),
        ("context = 'a'\n[contexts.a]\ntoken = 'x'", "name that as token_file"),
        ("context = 'a'\n[contexts.a]\ninsecure = 'yes'", "insecure is 'yes'"),
        ("context = 'a'\n[contexts.a]\npatience = true", "patience is True"),
        ("context = 'a'\ncontexts.a = 3", "is no table"),
    ],
)
def test_a_file_that_does_not_fit_says_where(tmp_path, text, message):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        connection(None, {}, {"INTERFERENCE_CONFIG": str(path)})


def test_a_context_that_is_not_there_is_told_with_those_that_are(home, tmp_path):
    with pytest.raises(ValueError, match="there are local, project-only, staging"):
        connection(None, {"context": "production"}, home)
    with pytest.raises(ValueError, match="does not exist"):
        connection(None, {"context": "x"}, {"XDG_CONFIG_HOME": str(tmp_path / "no")})


@pytest.mark.parametrize(
    ("access", "message"),
    [
        ({"token": "a", "token_file": "/dev/null"}, "one of them"),
        ({"certificate": "/dev/null"}, "the key is missing"),
        ({"key": "/dev/null"}, "the certificate is missing"),
        ({"insecure": True, "ca": "/dev/null"}, "plaintext"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, access, message):
    with pytest.raises(ValueError, match=message):
        connection("a.example:1", access, {"XDG_CONFIG_HOME": str(tmp_path)})


def test_a_token_goes_before_the_file_of_a_lower_layer(tmp_path):
    path = tmp_path / "token"
    path.write_text("from-file")
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "INTERFERENCE_TOKEN_FILE": str(path)}
    assert connection(None, {"token": "mine"}, environment).token == "mine"
    assert token_of(connection(None, {}, environment).token) == "from-file"
    other = environment | {"INTERFERENCE_TOKEN_FILE": str(tmp_path / "none")}
    with pytest.raises(OSError, match="none"):
        connection(None, {}, other)


@pytest.mark.parametrize(("text", "insecure"), [("true", True), ("1", True), ("no", False)])
def test_a_variable_says_whether_plaintext_is_meant(tmp_path, text, insecure):
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "INTERFERENCE_INSECURE": text}
    assert connection("far.example:1", {}, environment).plaintext is insecure
    with pytest.raises(ValueError, match="true or false"):
        connection(None, {}, environment | {"INTERFERENCE_INSECURE": "maybe"})


@pytest.mark.parametrize(
    ("target", "here"),
    [
        ("unix:/run/interference.sock", True),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:2", False),
        ("[::1]:50051", True),
        ("localhost.example:1", False),
        ("dns:///localhost:1", True),
    ],
)
def test_this_machine_is_told_from_others(tmp_path, target, here):
    assert connection(target, {}, {"XDG_CONFIG_HOME": str(tmp_path)}).plaintext is here


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("far.example", "far.example:50051"),
        ("::1", "[::1]:50051"),
        ("[::1]", "[::1]:50051"),
        ("[::1]:7", "[::1]:7"),
        ("dns:///far.example", "dns:///far.example:50051"),
        ("dns:far.example", "dns:far.example:50051"),
        ("dns:///far.example:7", "dns:///far.example:7"),
        ("unix:/run/interference.sock", "unix:/run/interference.sock"),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
    ],
)
def test_a_host_without_a_port_gets_the_usual_one(tmp_path, target, wanted):
    assert connection(target, {}, {"XDG_CONFIG_HOME": str(tmp_path)}).target == wanted


@pytest.mark.parametrize("target", ["http://far.example:1", "https://far.example"])
def test_a_url_is_refused_with_what_works(tmp_path, target):
    with pytest.raises(ValueError, match=r"is a URL; write host:port"):
        connection(target, {}, {"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.parametrize("patience", ["abc", "nan", "-1"])
def test_a_patience_that_is_none_is_refused(tmp_path, patience):
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "INTERFERENCE_PATIENCE": patience}
    with pytest.raises(ValueError, match=f"patience is '{patience}'; it must be 0 or more"):
        connection(None, {}, environment)


def test_several_hosts_are_refused_with_what_works(tmp_path):
    with pytest.raises(ValueError, match="dns:///"):
        connection("a:1,b:2", {}, {"XDG_CONFIG_HOME": str(tmp_path)})
