"""``interference``: submit jobs and read what they found, from a shell or a pipeline.

Exit statuses: 0 succeeded and every gate passed, 1 gate violated or a minority got worse, 2 usage,
3 job failed, 4 job cancelled, 5 wait timed out (the job goes on), 6 not authenticated or not
permitted, 7 the service cannot be reached, is busy or broken, 8 undetermined, 9 not found or
invalid, 70 a defect of this client, 130 interrupted and 143 terminated (the job goes on unless
--cancel-on-interrupt is given).
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from interference_client import _cli_exit as exits
from interference_client._cli_exit import Exit
from interference_client._cli_mistakes import Mistake, as_given
from interference_client._cli_output import Output
from interference_client._cli_parser import build_parser
from interference_client._client import Client
from interference_client._config import Access
from interference_client.errors import InterferenceError

_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = build_parser(__doc__ or "")
    options = parser.parse_args(arguments)
    output = Output(json_lines=options.json)
    try:
        return int(_run(parser, options, output))
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
        extras = "install it, or the extra gradient-interference[cli], [export] for the command of "
        output.failure(error, f"{error.name} is missing; {extras}that name")
        return Exit.USAGE
    except Mistake as mistake:
        output.failure(mistake.__cause__ or mistake, str(mistake))
        return mistake.status
    except OSError as error:
        output.failure(error, str(error))
        return Exit.USAGE
    except Exception:  # noqa: BLE001 - else the interpreter's status 1 would say "gate violated"
        output.note(traceback.format_exc())
        return Exit.DEFECT


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace, output: Output) -> int:
    match options.needs:
        case "parser":
            import shtab

            output.document(None, shtab.complete(parser, options.shell))
            return Exit.PASSED
        case "nothing":
            return int(options.command(options, output))
        case "access":
            return int(options.command(options, _access(options), output))
        case _:
            with as_given():
                made = Client(options.target, **_access(options))
            with made as client:
                return int(options.command(client, options, output))


def _access(options: argparse.Namespace) -> Access:
    return Access(
        context=options.context,
        project=options.project,
        token_file=options.token_file,
        ca=options.ca,
        certificate=options.cert,
        key=options.key,
        insecure=options.insecure or None,
    )


if __name__ == "__main__":
    sys.exit(main())
