"""What a failed connection means, and what to look at; gRPC tells it in the terms of its parts."""

from interference_client._config import Connection
from interference_client.errors import (
    DeadlineExceeded,
    HandshakeFailed,
    InterferenceError,
    Unavailable,
    UnknownServerError,
)

_CERTIFICATES = {
    "unable to get local issuer certificate": (
        "the service's certificate is signed by nobody that this client trusts; give the file of its "
        "certificate authorities as ca (INTERFERENCE_CA, --ca)"
    ),
    "self signed certificate": (
        "the service's certificate is signed by itself; give it as ca (INTERFERENCE_CA, --ca)"
    ),
    "certificate has expired": (
        "the service's certificate has expired, or the clock of this machine is wrong"
    ),
    "certificate is not yet valid": (
        "the service's certificate is not valid yet, or the clock of this machine is wrong"
    ),
    "Hostname Verification Check failed": (
        "the service's certificate is for other names; use one of those as the target"
    ),
    "WRONG_VERSION_NUMBER": (
        "there is no TLS on that port; if plaintext is meant, say insecure (INTERFERENCE_INSECURE, "
        "--insecure)"
    ),
}
_OTHERS = {
    "Connection refused": "nobody listens there; is the service running, and is the port right?",
    "Trying to connect an http1.x server": "what answers there is no gRPC service",
    "errors resolving": "the name cannot be resolved",
    "DNS resolution failed": "the name cannot be resolved",
    "No route to host": "there is no way to that machine from here",
    "Timeout occurred": "no answer from that machine; is the address right, does a firewall forbid it?",
}
_NEVER_CONNECTED = ("failed to connect to all addresses", "connections to all backends failing")


def explained(error: InterferenceError, connection: Connection) -> InterferenceError:
    """The error, or one that says more of why the service could not be reached."""
    text = str(error)
    if isinstance(error, DeadlineExceeded) and text == "Deadline Exceeded":
        return DeadlineExceeded(
            f"{connection.target} did not answer in time; what was asked for may have happened",
            request_id=error.request_id,
        )
    if isinstance(error, UnknownServerError) and text.startswith("Received http2 header"):
        return UnknownServerError(f"what answers at {connection.target} is no gRPC service: {text}")
    if not isinstance(error, Unavailable):
        return error
    for sign, meaning in _CERTIFICATES.items():
        if sign in text:
            return HandshakeFailed(_message(connection, meaning, text))
    for sign, meaning in _OTHERS.items():
        if sign in text:
            return Unavailable(_message(connection, meaning, text))
    if "Socket closed" in text and any(sign in text for sign in _NEVER_CONNECTED):
        return Unavailable(_message(connection, _of_a_closed_connection(connection), text))
    return error


def _of_a_closed_connection(connection: Connection) -> str:
    """A server does not say why it hangs up on a handshake."""
    if connection.plaintext:
        return (
            "it hung up on plaintext; if it speaks TLS, leave out insecure, and on this machine give "
            "its certificate authorities as ca (INTERFERENCE_CA, --ca)"
        )
    if connection.certificate is None:
        return (
            "it hung up during the handshake; if it asks for a client certificate, give certificate "
            "and key (INTERFERENCE_CERT, INTERFERENCE_KEY, --cert, --key)"
        )
    return "it hung up during the handshake; does it trust the authority of this certificate?"


def _message(connection: Connection, meaning: str, text: str) -> str:
    return f"cannot connect to {connection.target}: {meaning} ({text})"
