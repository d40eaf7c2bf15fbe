"""Groups of commands: imported when they are asked for; an unknown name is told what there is."""

import importlib
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class NounGroup(TyperGroup):
    """Refuses an unknown command with the list of those that there are."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(f"There is no command “{name}”; there are {', '.join(self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)


class LazyNoun(TyperCommand):
    """Stands for a noun's commands until one of them is wanted: `fundline --help` stays fast."""

    def __init__(self, name: str, module: str, help_text: str) -> None:
        super().__init__(name=name, help=help_text)
        self._module = module

    @cached_property
    def loaded(self) -> Any:
        command = typer.main.get_command(importlib.import_module(self._module).app)
        command.name = self.name
        return command

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Of the noun itself: everything after this is its own."""
        return self.loaded.make_context(*args, **more)
