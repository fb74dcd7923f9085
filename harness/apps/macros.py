"""Search macros: macros.conf.

Source of the rules: macros.conf.spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA, as_boolean
from harness.model import Macro

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.apps.conf import Stanza
    from harness.errors import Place

MacroKey = tuple[str, int]


def macros_of(
    stanzas: Mapping[str, Stanza], warn: Callable[[str, Place], None]
) -> dict[MacroKey, Macro]:
    """The macros by (name, number of arguments)."""
    macros: dict[MacroKey, Macro] = {}
    for stanza in stanzas.values():
        if stanza.name == DEFAULT_STANZA:
            continue
        settings = {key: setting.value for key, setting in stanza.settings.items()}
        name, count = _name_and_count(stanza.name)
        arguments = tuple(word.strip() for word in settings.get("args", "").split(",") if word)
        if len(arguments) != count or not all(arguments):
            warn(
                f"`{stanza.name}` takes {count} arguments, `args` names {len(arguments)}",
                stanza.place,
            )
            continue
        if "definition" not in settings:
            warn(f"the macro `{stanza.name}` has no definition", stanza.place)
            continue
        macros[name, count] = Macro(
            name=name,
            definition=settings["definition"],
            arguments=arguments,
            is_eval=as_boolean(settings.get("iseval"), default=False),
            validation=settings.get("validation", ""),
            refusal=settings.get("errormsg", ""),
            place=stanza.settings["definition"].place,
        )
    return macros


def _name_and_count(stanza: str) -> tuple[str, int]:
    name, opened, count = stanza.partition("(")
    if opened and count.endswith(")") and count[:-1].strip().isdecimal():
        return name.strip(), int(count[:-1])
    return stanza, 0
