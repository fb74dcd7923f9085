"""Values out of JSON and XML by location paths: the function and the command `spath`, `xmlkv`.

Source: Splunk Search Reference, "Text functions" (spath), and the commands `spath` and `xmlkv`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_text
from harness.registry import eval_function
from harness.registry.functions import BadArgument
from harness.registry.paths import PATH_EXAMPLES, is_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan.types import Dialect
    from harness.registry.functions import Constant


def _check_path(arguments: Sequence[Constant]) -> None:
    written = arguments[1]
    if written is not None and not is_path(str(written)):
        raise BadArgument(f"`{written}` is no location path", position=1, hints=(PATH_EXAMPLES,))


@eval_function(check=_check_path)
def spath(d: Dialect, value: Typed, path: Typed) -> Typed:
    """spath(<text>, <path>): what lies at a path of JSON or XML; perhaps several values."""
    return spath_value(d, value, path)


@eval_function()
def spath_value(d: Dialect, value: Typed, path: Typed) -> Typed:
    """The values at a path of a text, as `spath path=` gives them."""
    arguments = as_text(d, value).sql, as_text(d, path).sql
    return Typed(d.function("spl_spath", *arguments), Kind.ANY, multi=True)


@eval_function()
def spath_field(d: Dialect, value: Typed, name: Typed) -> Typed:
    """The values that automatic `spath` gives a name; the names are those of `spath_names`."""
    arguments = as_text(d, value).sql, as_text(d, name).sql
    return Typed(d.function("spl_spath_field", *arguments), Kind.ANY, multi=True)


@eval_function()
def spath_names(d: Dialect, value: Typed) -> Typed:
    """The names of the fields that automatic `spath` gives."""
    return Typed(d.function("spl_spath_names", as_text(d, value).sql), Kind.ANY, multi=True)


@eval_function(literal=(1,))
def xmlkv_value(d: Dialect, value: Typed, name: Typed) -> Typed:
    """The texts of the elements of a name that hold nothing else, as `xmlkv` gives them."""
    wanted = d.literal(str(name.constant))
    return Typed(d.function("spl_xmlkv", as_text(d, value).sql, wanted), Kind.ANY, multi=True)


@eval_function()
def xmlkv_names(d: Dialect, value: Typed) -> Typed:
    """The names of the fields that `xmlkv` gives."""
    return Typed(d.function("spl_xmlkv_names", as_text(d, value).sql), Kind.ANY, multi=True)
