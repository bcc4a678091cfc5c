"""URIs of files and models, as clients write them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_FILE = r"[a-z][a-z0-9-]{0,62}://[^\x00-\x1f\x7f?#%\\]+"
_REGISTERED = r"models:/[^\x00-\x1f\x7f/@:?#%\\]+(/[0-9]{1,9}|@[A-Za-z0-9_-]{1,255})"
_FORM = "{store}://{path} without %, ?, #, backslashes and control characters"


def _of_form(pattern: str, form: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {form}")
        return text

    return AfterValidator(check)


_Text = Annotated[str, Field(max_length=1024)]
FileUri = Annotated[_Text, _of_form(_FILE, _FORM)]
"""Of a file or directory in a store."""
FileUriOrNone = Annotated[_Text, _of_form(f"({_FILE})?", f"{_FORM}, or empty")]
ModelUri = Annotated[
    _Text,
    _of_form(
        f"{_FILE}|{_REGISTERED}",
        f"{_FORM}, or with MODEL_FORMAT_MLFLOW models:/{{name}}/{{version}} or "
        "models:/{name}@{alias}",
    ),
]
