"""What a service says of itself over HTTP."""

import http.client
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Of a probe or a scrape."""

    status: int
    body: str

    @property
    def ok(self) -> bool:
        return self.status == 200


def ask(address: str, path: str) -> Answer:
    """Ask the metrics port, given as ``host:port``."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())
    finally:
        connection.close()


def value_of(address: str, series: str) -> float:
    """The value of a series, named with its labels."""
    for line in ask(address, "/metrics/service").body.splitlines():
        if line.startswith(f"{series} "):
            return float(line.split()[1])
    raise AssertionError(f"there is no {series}")
