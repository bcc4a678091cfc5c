"""What is told to a caller who is not known; never anything of what was shown."""

from collections.abc import Mapping
from types import MappingProxyType

from interference_service.domain.access import Refusal
from interference_service.errors import Unauthenticated

_TOLD: Mapping[Refusal, str] = MappingProxyType(
    {
        Refusal.NO_CREDENTIALS: "no credentials; send the metadata 'authorization: Bearer TOKEN', "
        "or call with a certificate that the operator has named",
        Refusal.SEVERAL_CREDENTIALS: "several authorization headers; send one",
        Refusal.MALFORMED_CREDENTIALS: "the authorization header is not 'Bearer TOKEN'",
        Refusal.UNKNOWN_CREDENTIALS: "the credentials are not known here",
        Refusal.INVALID_CREDENTIALS: "the token is not signed by the issuer for this service and "
        "this time",
        Refusal.EXPIRED_CREDENTIALS: "the token has expired; get a new one",
    }
)


def unauthenticated(cause: Refusal) -> Unauthenticated:
    """The error that says so."""
    return Unauthenticated(_TOLD[cause], metadata={"cause": cause.value})
