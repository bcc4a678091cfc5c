"""A receiver of what Alertmanager sends, on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Notification:
    """One alert of one message.

    Attributes:
        receiver: Last part of the address that it was sent to.
        status: ``firing`` or ``resolved``.
        labels: Of the alert.
        annotations: Of the alert.
        starts_at: When it began to fire.
    """

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str

    def is_of(self, **labels: str) -> bool:
        """Whether it has these labels."""
        return labels.items() <= self.labels.items()


@dataclass
class Webhook:
    """What has arrived, oldest first."""

    port: int
    notifications: list[Notification] = field(default_factory=list)

    def told(self, status: str, **labels: str) -> list[Notification]:
        """Notifications of that status that have these labels."""
        return [
            each for each in [*self.notifications] if each.status == status and each.is_of(**labels)
        ]


@contextmanager
def listening() -> Iterator[Webhook]:
    """Listen until the end.

    Yields:
        What has arrived so far.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.notifications += [
                Notification(
                    self.path.rpartition("/")[2],
                    each["status"],
                    each["labels"],
                    each["annotations"],
                    each["startsAt"],
                )
                for each in message["alerts"]
            ]
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test says what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook = Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
