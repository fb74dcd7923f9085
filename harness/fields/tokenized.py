"""Fields that hold several values in one text, parted by TOKENIZER of fields.conf.

A text in which nothing is found stays as it is. Source: fields.conf.spec, TOKENIZER.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.fields.patterns import BadExtraction, inline, placed, shape
from harness.plan.expressions import Call, Const, Field

if TYPE_CHECKING:
    from harness.apps import Tokenizer
    from harness.plan.expressions import Expr


def tokens(one: Tokenizer) -> Expr:
    """The values of a field; an error with its place for a regex that cannot be used."""
    try:
        found = shape(inline(one.regex))
        if not found.count:
            raise BadExtraction("the regex of a TOKENIZER needs a group: it catches the values")
    except HarnessError as error:
        raise placed(error, one.place, f"TOKENIZER of `{one.field}`") from error
    field = Field(one.field)
    return Call(
        "coalesce", (Call("extract_all_filled", (field, Const(found.pattern), Const(1.0))), field)
    )
