"""Commands and flags of ``interference``."""

import argparse
from pathlib import Path

from interference_client import (
    _cli_check as checking,
    _cli_commands as commands,
    _cli_export as exporting,
    _cli_results as results,
)
from interference_client._cli_specification import add_flags, add_gates, parsed, seconds
from interference_client._version import client_version

SHELLS = ("bash", "zsh", "fish")


def build_parser(about: str) -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``command``, and what it is called with ``needs``."""
    parser = argparse.ArgumentParser(
        prog="interference",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"gradient-interference {client_version()}"
    )
    every = parser.add_subparsers(required=True, metavar="COMMAND")
    _Commands(every).add_all()
    completion = every.add_parser(
        "completion", help="Write a completion script for a shell.", allow_abbrev=False
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(needs="parser", json=False)
    return parser


class _Commands:
    """Adds commands, those about jobs with the flags that they share."""

    def __init__(self, every: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        self._every = every
        self._json = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        self._json.add_argument("--json", action="store_true", help="write JSON for programs")
        self._common = _common(self._json)

    def add_all(self) -> None:
        _submission(self._add("submit", commands.submit, job=False))
        _waiting(self._add("wait", commands.wait))
        _timeout(self._add("watch", commands.watch))
        self._add("get", commands.get)
        _listing(self._add("list", commands.list_jobs, job=False))
        self._add("cancel", commands.cancel).add_argument("--reason", default="")
        self._add("delete", commands.delete).add_argument("--allow-missing", action="store_true")
        _update(self._add("update", commands.update))
        _result(self._add("result", results.result))
        _matrix(self._add("matrix", results.matrix))
        _gate(self._add("gate", results.gate))
        _diff(self._add("diff", results.diff, job=False))
        _report(self._add("report", results.report))
        self._add("info", results.info, job=False)
        check = self._parser("check", checking.check.__doc__, self._common)
        check.set_defaults(command=checking.check, needs="access")
        export = self._parser("export", exporting.export.__doc__, self._json)
        export.set_defaults(command=exporting.export, needs="nothing")
        exporting.add_flags(export)

    def _add(
        self, name: str, command: commands.Command, *, job: bool = True
    ) -> argparse.ArgumentParser:
        added = self._parser(name, command.__doc__, self._common)
        added.set_defaults(command=command, needs="client")
        if job:
            added.add_argument("job", help="name or id of the job")
        return added

    def _parser(
        self, name: str, about: str | None, parent: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        first = (about or "").partition("\n")[0]
        return self._every.add_parser(
            name, help=first, description=about, parents=[parent], allow_abbrev=False
        )


def _common(json_lines: argparse.ArgumentParser) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False, parents=[json_lines])
    group = common.add_argument_group(
        "connection", "defaults: INTERFERENCE_TARGET and its like, then the file of contexts"
    )
    group.add_argument("--context", metavar="NAME", help="of the file of contexts")
    group.add_argument("--target", metavar="HOST:PORT")
    group.add_argument("--project")
    group.add_argument("--token-file", type=Path, metavar="FILE")
    group.add_argument("--ca", type=Path, metavar="FILE", help="certificate authorities in PEM")
    group.add_argument("--cert", type=Path, metavar="FILE", help="own certificate, for mutual TLS")
    group.add_argument("--key", type=Path, metavar="FILE", help="its key")
    group.add_argument("--insecure", action="store_true", help="plaintext to another machine")
    return common


def _timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="the job outlives it")


def _waiting(parser: argparse.ArgumentParser) -> None:
    _timeout(parser)
    parser.add_argument(
        "--cancel-on-interrupt",
        action="store_true",
        help="cancel the job when this command is interrupted or terminated",
    )


def _submission(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)
    group = parser.add_argument_group("job")
    group.add_argument("--job-id", default="", help="derive it from the run of a pipeline")
    group.add_argument("--attach", action="store_true", help="take the job of that id, if the same")
    group.add_argument("--display-name", default="")
    _pairs(group, "--set-label", "--annotation")
    _priority(group, default="normal")
    group.add_argument("--ttl", type=seconds, metavar="SECONDS", help="how long it is kept")
    group.add_argument(
        "--validate-only", action="store_true", help="check everything, make nothing"
    )
    group.add_argument("--wait", action="store_true", help="wait for its end")
    _waiting(parser)


def _update(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--display-name")
    _pairs(parser, "--set-label", "--annotation")
    parser.add_argument(
        "--remove-label", action="append", default=[], metavar="KEY", help="again for more"
    )
    _priority(parser, default=None)
    parser.add_argument("--ttl", type=seconds, metavar="SECONDS", help="how long it is kept")


def _pairs(parser: "argparse._ActionsContainer", *flags: str) -> None:
    for flag in flags:
        parser.add_argument(
            flag,
            action="append",
            default=[],
            type=_pair,
            metavar="KEY=VALUE",
            help="again for more",
        )


def _priority(parser: "argparse._ActionsContainer", default: str | None) -> None:
    parser.add_argument("--priority", default=default, choices=["low", "normal", "high"])


def _listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", default="", type=str.upper, help="as FAILED")
    parser.add_argument("--monitor", default="")
    parser.add_argument(
        "--filter", default="", help="as: end_time > 2026-01-02T00:00:00Z AND labels.team = vision"
    )
    parser.add_argument("--order-by", default="", help='as: "end_time desc"')
    parser.add_argument(
        "--limit", type=parsed(_count), default=50, help="jobs at most; default %(default)s"
    )


def _result(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", default="shared", help="shared, all, or the name of a layer")
    parser.add_argument("--plain", action="store_true", help="without correction for noise")


def _matrix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", help="as shared/cosine; none: list them")
    parser.add_argument("--layers", metavar="GLOB", help="list those of these layers")
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="NAME",
        help="row and column of this class; again for more",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.npy")


def _gate(parser: argparse.ArgumentParser) -> None:
    _timeout(parser)
    add_gates(parser, "in place of the job's own; again for more")


def _diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", help="name or id of the first job")
    parser.add_argument("after", help="of the second")
    parser.add_argument(
        "--tolerance",
        type=parsed(_tolerance),
        default=0.0,
        help="changes up to it count as none; default %(default)s",
    )


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["markdown", "html"], help="else as --out is called")
    parser.add_argument("--out", type=Path, metavar="FILE")


def _count(text: str) -> int:
    found = int(text)
    if found < 1:
        raise ValueError("must be 1 or more")
    return found


def _tolerance(text: str) -> float:
    found = float(text)
    if not 0 <= found < float("inf"):
        raise ValueError("must be 0 or more")
    return found


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value
