"""savedsearch: the results of a saved search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

PLACEHOLDER = re.compile(r"\$([A-Za-z_][\w.]*)\$")


@command("savedsearch")
@dataclass(frozen=True, slots=True)
class Savedsearch:
    """savedsearch <name> [nosubstitution=<bool>] [<placeholder>=<text>]….

    It begins a search, and runs a saved search of the loaded apps. `$placeholder$` in it becomes
    the text that is given for it; one without a text is an error, unless nosubstitution=true
    leaves all of them as they are. Over all time the saved search has its own time range,
    otherwise that of the search which runs it. A disabled one cannot be run, nor one that writes.
    Source: Search Reference, savedsearch; savedsearches.conf.spec, `disabled`.
    """

    stage: Stage
    name: str
    texts: tuple[tuple[str, str], ...]
    substitutes: bool

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the name and the options."""
        arguments = stage.arguments
        name: str | None = None
        texts: dict[str, str] = {}
        substitutes = True
        while not arguments.done:
            if arguments.at_option():
                key = arguments.tokens[arguments.position].value
                token = arguments.option_value()
                if key == "nosubstitution":
                    substitutes = not arguments.boolean(token, key)
                else:
                    texts[key] = token.value
            elif name is not None:
                arguments.finish()
            else:
                name = arguments.next("a saved search").value
        if name is None:
            arguments.fail("`savedsearch` needs the name of a saved search")
        return cls(stage, name, tuple(texts.items()), substitutes)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The rows of the saved search, its placeholders filled."""
        if rows is not None:
            self.stage.fail("`savedsearch` must begin a search")
        return context.saved_search(self.name, self.stage, self._filled)

    def _filled(self, search: str) -> str:
        if not self.substitutes:
            return search
        texts = dict(self.texts)

        def text(found: re.Match[str]) -> str:
            if found[1] not in texts:
                self.stage.fail(
                    f"the saved search `{self.name}` needs a text for `${found[1]}$`",
                    None,
                    f'write {found[1]}="…", or nosubstitution=true',
                )
            return texts[found[1]]

        return PLACEHOLDER.sub(text, search)
