"""The command that prints a shell's completion script."""

import click
from click.shell_completion import get_completion_class

from dwell.cli.command import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes dwell's commands and options in a shell."""
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "dwell", "_DWELL_COMPLETE").source())
