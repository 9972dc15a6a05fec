"""The commands put together, in the language that was chosen before this module was loaded."""

from typing import Annotated

import typer

from reelqueue.cli import (
    auth,
    batch,
    batches,
    cleanup,
    costs,
    dashboard,
    deleting,
    doctor,
    edit,
    fleet,
    importing,
    make,
    projects,
    quotas,
    sandbox,
    voice,
    webhooks,
    work,
)
from reelqueue.version import __version__
from reelqueue.wording import Text


def build() -> typer.Typer:
    """The whole command line."""
    about = Text("把主題或文字變成影片。", "Turn a topic or a text into a video.")
    app = typer.Typer(
        name="reelqueue", help=str(about), no_args_is_help=False, add_completion=False, pretty_exceptions_enable=False
    )

    @app.callback(invoke_without_command=True)
    def start(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help=str(Text("印出版本", "print the version")))] = False,
    ) -> None:
        if version:
            typer.echo(f"reelqueue {__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit(2)

    for group in (
        make,
        batch,
        batches,
        projects,
        edit,
        deleting,
        cleanup,
        importing,
        voice,
        work,
        fleet,
        dashboard,
        quotas,
        costs,
        webhooks,
        auth,
        sandbox,
        doctor,
    ):
        group.register(app)
    return app
