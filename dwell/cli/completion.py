"""`dwell completion`: a script that completes commands and options in a shell."""

import argparse

import shtab

COMPLETE = {"FILE": shtab.FILE, "PATH": shtab.FILE, "FOLDER": shtab.DIRECTORY}


def main(arguments: argparse.Namespace) -> int:
    """Print the script. 0."""
    from dwell.__main__ import make_parser

    parser = make_parser()
    for action in actions(parser):
        # by what --help calls their value
        if action.metavar in COMPLETE:
            action.complete = COMPLETE[action.metavar]
    print(shtab.complete(parser, arguments.shell))
    return 0


def actions(parser: argparse.ArgumentParser):
    """Return the options of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions(command)
