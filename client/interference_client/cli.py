"""``interference``: submit jobs and read what they found, from a shell or a pipeline.

Exit statuses: 0 succeeded and every gate passed, 1 gate violated, 2 usage, 3 job failed,
4 job cancelled, 5 wait timed out (the job goes on), 6 not authenticated or not permitted,
7 the service cannot be reached, is busy or broken, 8 verdict undetermined, 9 not found or invalid,
70 a defect of this client, 130 interrupted (the job goes on).
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from interference_client import (
    _cli_commands as commands,
    _cli_exit as exits,
    _cli_export as exporting,
)
from interference_client._cli_exit import Exit
from interference_client._cli_output import Output
from interference_client._cli_specification import add_flags, parsed, seconds
from interference_client._client import Client
from interference_client.errors import InterferenceError

_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    output = Output(json_lines=options.json)
    try:
        return _run(options, output)
    except InterferenceError as error:
        output.error(error)
        return exits.of_error(error)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Else the interpreter complains while it flushes what nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except ModuleNotFoundError as error:
        output.note(
            f"error: {error.name} is missing; install it, or the extra gradient-interference[cli], "
            "[export] for the command of that name"
        )
        return Exit.USAGE
    except KeyError as error:
        output.note(f"error: {error.args[0]}")
        return Exit.INVALID
    except (ValueError, OSError) as error:
        output.note(f"error: {error}")
        return Exit.USAGE
    except Exception:  # noqa: BLE001 - else the interpreter's status 1 would say "gate violated"
        output.note(traceback.format_exc())
        return Exit.DEFECT


def _run(options: argparse.Namespace, output: Output) -> int:
    if options.command is exporting.export:
        return int(exporting.export(options, output))
    with Client(
        options.target,
        context=options.context,
        project=options.project,
        token_file=options.token_file,
        ca=options.ca,
        certificate=options.cert,
        key=options.key,
        insecure=options.insecure or None,
    ) as client:
        return int(options.command(client, options, output))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="interference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    json_lines = _json_lines()
    common = _common(json_lines)
    every = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: commands.Command, *, job: bool = True) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = every.add_parser(
            name, help=command.__doc__, parents=[common], allow_abbrev=False
        )
        added.set_defaults(command=command)
        if job:
            added.add_argument("job", help="name or id of the job")
        return added

    _submission(add("submit", commands.submit, job=False))
    _waiting(add("wait", commands.wait))
    add("watch", commands.watch).add_argument("--timeout", type=seconds, metavar="SECONDS")
    add("get", commands.get)
    listing = add("list", commands.list_jobs, job=False)
    listing.add_argument("--filter", default="", help="as: state = FAILED AND labels.team:vision")
    listing.add_argument("--order-by", default="", help='as: "end_time desc"')
    listing.add_argument(
        "--limit", type=parsed(_count), default=50, help="jobs at most; default %(default)s"
    )
    add("cancel", commands.cancel).add_argument("--reason", default="")
    add("delete", commands.delete).add_argument("--allow-missing", action="store_true")
    result = add("result", commands.result)
    result.add_argument("--scope", default="shared", help="shared, all, or the name of a layer")
    result.add_argument("--plain", action="store_true", help="without correction for noise")
    matrix = add("matrix", commands.matrix)
    matrix.add_argument("id", nargs="?", help="as shared/cosine; none: list them")
    matrix.add_argument("--out", type=Path, metavar="FILE.npy")
    add("gate", commands.gate).add_argument("--timeout", type=seconds, metavar="SECONDS")
    add("info", commands.info, job=False)
    # The only one that needs no service.
    export = every.add_parser(
        "export", help=exporting.export.__doc__, parents=[json_lines], allow_abbrev=False
    )
    export.set_defaults(command=exporting.export)
    exporting.add_flags(export)
    return parser


def _json_lines() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="write JSON for programs")
    return parser


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


def _waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="the job outlives it")
    parser.add_argument("--cancel-on-interrupt", action="store_true")


def _submission(parser: argparse.ArgumentParser) -> None:
    add_flags(parser)
    group = parser.add_argument_group("job")
    group.add_argument("--job-id", default="", help="derive it from the run of a pipeline")
    group.add_argument("--attach", action="store_true", help="take the job of that id, if the same")
    group.add_argument("--display-name", default="")
    for flag in ("--set-label", "--annotation"):
        group.add_argument(
            flag,
            action="append",
            default=[],
            type=_pair,
            metavar="KEY=VALUE",
            help="again for more",
        )
    group.add_argument("--priority", default="normal", choices=["low", "normal", "high"])
    group.add_argument("--ttl", type=seconds, metavar="SECONDS", help="how long it is kept")
    group.add_argument(
        "--validate-only", action="store_true", help="check everything, make nothing"
    )
    group.add_argument("--wait", action="store_true", help="wait for its end")
    _waiting(parser)


def _count(text: str) -> int:
    found = int(text)
    if found < 1:
        raise ValueError("must be 1 or more")
    return found


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
