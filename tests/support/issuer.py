"""An issuer of signed tokens."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.example", "interference"

_rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class SigningKey:
    """A private key of the issuer with its id."""

    id: str
    private: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    algorithm: str = "ES256"

    @property
    def public(self) -> dict[str, Any]:
        """As the issuer publishes it."""
        kind = RSAAlgorithm if self.algorithm.startswith(("RS", "PS")) else ECAlgorithm
        described: dict[str, Any] = kind.to_jwk(self.private.public_key(), as_dict=True)
        return described | {"kid": self.id, "use": "sig"}

    def token(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token; a claim that is None is left out."""
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "alice",
            "exp": int(time.time()) + 60,
            "groups": ["ml"],
        } | claims
        return jwt.encode(
            {name: value for name, value in said.items() if value is not None},
            self.private,
            self.algorithm,
            {"kid": self.id} | (headers or {}),
        )


def rsa_key(name: str, algorithm: str = "RS256") -> SigningKey:
    """One of the other kind; all of them are the same, for they take long to make."""
    return SigningKey(name, _rsa_key, algorithm)


def key_set(*keys: SigningKey, others: Sequence[Any] = ()) -> bytes:
    """What the issuer publishes."""
    return json.dumps({"keys": [*(key.public for key in keys), *others]}).encode()
