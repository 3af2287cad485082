"""The one failure of the set-up."""


class SetupError(Exception):
    """The program cannot start; the text says in one line what is wrong and what to do."""
