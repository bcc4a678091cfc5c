"""A service that asks who calls: mutual TLS, tokens, certificates, an issuer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import grpc

from interference_client import Access, Client
from interference_service.demo.server import Running, running_service
from interference_service.security.tokens import new_token
from support.access import lines, token_line
from support.certificates import Authority, Certificate, authority, channel_credentials
from support.issuer import AUDIENCE, ISSUER, SigningKey, key_set
from support.scripted_http import ScriptedHttp, says, scripted_http
from support.service import FEW_RESOURCES

DASHBOARDS = "spiffe://acme/dashboards"
ROLES: Mapping[str, Mapping[str, str]] = {
    "alice": {"solar": "writer"},
    "carol": {"solar": "writer"},
    "rita": {"solar": "reader"},
    "bob": {"wind": "writer"},
    "ada": {"*": "admin"},
}
CLAIM = {"claim": "ml", "grants": {"solar": "reader"}}


@dataclass
class Secured:
    """The service, and all that its callers need."""

    home: Path
    issuer: ScriptedHttp
    authority: Authority = field(default_factory=authority)
    signing: SigningKey = field(default_factory=lambda: SigningKey("one"))
    tokens: dict[str, str] = field(default_factory=lambda: {name: new_token() for name in ROLES})
    running: Running | None = None

    def __post_init__(self) -> None:
        self.server = self.authority.server()
        self.certificate, self.key = self.server.write(self.home, "server")
        self.machine = self.authority.client("machine")
        self.dashboards = self.authority.client("dashboards", DASHBOARDS)
        for name in ("machine", "dashboards"):
            getattr(self, name).write(self.home, name)
        self.authorities = self.home / "authorities.crt"
        self.authorities.write_bytes(self.authority.pem)
        self.access_file = self.home / "access.jsonl"
        self.access_file.write_text(self.access_lines())
        self.audit_file = self.home / "audit.jsonl"
        self.issuer.replies["/keys"] = says(200, key_set(self.signing))

    def access_lines(self, *without: str) -> str:
        """Text of the access file, with some left out."""
        known = [
            token_line(name, self.tokens[name], grants=grants)
            for name, grants in ROLES.items()
            if name not in without
        ]
        dashboards = {
            "name": "dashboards",
            "certificate": DASHBOARDS,
            "grants": {"solar": "reader"},
        }
        return lines(*known, dashboards, CLAIM)

    @property
    def settings(self) -> dict[str, str]:
        """Variables of the service."""
        security = {
            "CERTIFICATE": str(self.certificate),
            "KEY": str(self.key),
            "CLIENT_AUTHORITIES": str(self.authorities),
            "ACCESS_FILE": str(self.access_file),
            "OIDC__ISSUER": ISSUER,
            "OIDC__AUDIENCE": AUDIENCE,
            "OIDC__KEYS_URL": f"{self.issuer.uri}/keys",
        }
        return {
            **FEW_RESOURCES,
            "INTERFERENCE_AUDIT__FILE": str(self.audit_file),
            "INTERFERENCE_TELEMETRY__LOG_LEVEL": "DEBUG",
            **{f"INTERFERENCE_SECURITY__{name}": value for name, value in security.items()},
        }

    def client(
        self, token: str | None, project: str = "solar", certificate: str = "machine"
    ) -> Client:
        """A client with a token, or with none but its certificate."""
        assert self.running is not None
        access: Access = {
            "ca": self.authorities,
            "certificate": self.home / f"{certificate}.crt",
            "key": self.home / f"{certificate}.key",
            "project": project,
            "token": token or "",
            "patience": 5.0,
        }
        return Client(self.running.grpc, **access)

    def channel(self, own: Certificate | None = None) -> grpc.aio.Channel:
        """A connection of the machine, or of somebody else."""
        assert self.running is not None
        credentials = channel_credentials(self.authority, own or self.machine)
        options = (("grpc.use_local_subchannel_pool", 1),)
        return grpc.aio.secure_channel(self.running.grpc, credentials, options)

    def shown_by(self, name: str) -> tuple[tuple[str, str], ...]:
        """Metadata of somebody's calls."""
        return (("authorization", f"Bearer {self.tokens[name]}"),)

    def environment(self, token: str) -> dict[str, str]:
        """Variables of a command line."""
        assert self.running is not None
        return {
            "INTERFERENCE_TARGET": self.running.grpc,
            "INTERFERENCE_CA": str(self.authorities),
            "INTERFERENCE_CERT": str(self.home / "machine.crt"),
            "INTERFERENCE_KEY": str(self.home / "machine.key"),
            "INTERFERENCE_PROJECT": "solar",
            "INTERFERENCE_TOKEN": token,
        }

    @property
    def secrets(self) -> dict[str, str]:
        """What must be in no log, by what it is."""
        keys = {"server": self.server, "machine": self.machine, "dashboards": self.dashboards}
        bodies = {name: pair.key.decode().splitlines()[1] for name, pair in keys.items()}
        return {**self.tokens, **bodies}


@contextmanager
def secured_service(
    home: Path, files: Path, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Secured]:
    """Start one that reads ``files``, with more settings and with an issuer beside it."""
    with scripted_http() as issuer:
        secured = Secured(home, issuer)
        with running_service(
            home, {"data": files}, {**secured.settings, **more}
        ) as secured.running:
            yield secured
