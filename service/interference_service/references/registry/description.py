"""What an operator says of an MLflow tracking server."""

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

ARTIFACTS = "mlflow-artifacts"
"""Name of the store of a server's artifacts, which is the scheme of MLflow's own URIs of them."""

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(?P<prefix>(/[A-Za-z0-9._~-]+)*)/?"
)
Seconds = Annotated[float, Field(gt=0, le=3600)]


class SecretMissing(ValueError):
    """The file that should hold the token does not; says which, never what."""


class MlflowDescription(BaseModel):
    """Where the tracking server is; the token goes to the service's own processes alone."""

    # What stands in the wrong place may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tracking_uri: str
    """``https://host:port``, perhaps with a path; ``http://…`` within a network that is trusted."""
    username: str = ""
    """With a token: its password (basic authentication); empty: the token is a bearer token."""
    token: SecretStr = SecretStr("")
    """Empty: see ``token_file``; where both are, the server is asked without."""
    token_file: Path | None = None
    """File that holds the token."""
    timeout_seconds: Seconds = 10.0
    """For one answer."""
    download_seconds: Seconds = 600.0
    """For one file of an artifact store that the server gives access to."""

    @field_validator("tracking_uri")
    @classmethod
    def _is_an_address(cls, uri: str) -> str:
        if not _ADDRESS.fullmatch(uri):
            raise ValueError("must be https://host:port or http://host:port, without a password")
        return uri

    @model_validator(mode="after")
    def _token_is_there(self) -> Self:
        if self.token.get_secret_value() and self.token_file is not None:
            raise ValueError("token and token_file exclude each other")
        if self.username and not (self.token.get_secret_value() or self.token_file):
            raise ValueError("username needs token or token_file, which is its password")
        return self

    @property
    def location(self) -> str:
        """What MLflow's URIs of the server's artifacts begin with."""
        return f"{ARTIFACTS}:"

    @property
    def address(self) -> tuple[bool, str, int]:
        """Whether it is encrypted, host and port."""
        found = _ADDRESS.fullmatch(self.tracking_uri)
        assert found is not None  # noqa: S101 - the validator saw to it
        encrypted = found["scheme"] == "https"
        return (
            encrypted,
            found["host"].strip("[]"),
            int(found["port"] or (443 if encrypted else 80)),
        )

    @property
    def prefix(self) -> str:
        """What every path of the server begins with."""
        found = _ADDRESS.fullmatch(self.tracking_uri)
        assert found is not None  # noqa: S101 - the validator saw to it
        return quote(found["prefix"])

    def secret(self) -> SecretStr:
        """The token, read anew, since files of tokens are renewed; empty: none.

        Raises:
            SecretMissing: The file cannot be read, or is empty.
        """
        if self.token_file is None:
            return self.token
        try:
            text = self.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissing(
                f"the file {str(self.token_file)!r} of the token of MLflow cannot be read"
            ) from error
        if not text:
            raise SecretMissing(
                f"the file {str(self.token_file)!r} of the token of MLflow is empty"
            )
        return SecretStr(text)
