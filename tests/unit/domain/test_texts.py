"""Texts that people read."""

import pytest
from hypothesis import given, strategies as st
from pydantic import TypeAdapter, ValidationError

from interference_service.domain.texts import Line, Text, control_character

LINE, TEXT = TypeAdapter(Line), TypeAdapter(Text)
CONTROLS = ["\0", "\x07", "\x1b[31m", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"]


@pytest.mark.parametrize("control", [*CONTROLS, "\t", "\n", "\r"], ids=repr)
def test_a_line_has_no_control_characters(control):
    with pytest.raises(ValidationError, match=f"U\\+{ord(control[0]):04X} at character 2"):
        LINE.validate_python(f"ab{control}c")


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
def test_a_text_has_none_either(control):
    with pytest.raises(ValidationError, match="tabulators and ends of lines"):
        TEXT.validate_python(f"ab{control}c")


@pytest.mark.parametrize("text", ["", "Müll, naß", "雪", "a b", "\N{ZERO WIDTH JOINER}", "👩‍🔬"])
def test_other_characters_are_as_good_as_letters(text):
    assert LINE.validate_python(text) == TEXT.validate_python(f"{text}\r\n\t")[:-3] == text


@given(st.text())
def test_what_python_would_print_is_never_taken_for_a_control_character(text):
    if text.isprintable():
        assert control_character(text) == ""
