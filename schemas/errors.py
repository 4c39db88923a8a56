"""Every error the project raises on purpose.

* WeftError
  x ConfigError        what was asked for makes no sense: fix the recipe or the command (exit code 2)
  x InputError         an input is missing, empty or not what it says it is (exit code 2)
  x OutputError        the output cannot be written: full, read-only, of another run (exit code 2)
  x ModelUnavailable   a model that the recipe names cannot be had here (exit code 2)
  x SchemaMismatch     a table is not the one that a stage declared: fix the code or the input
  x BooksDoNotBalance  rows in and rows out do not add up: the run is not to be trusted
  x StepFailed         a step could not be finished; the message says which slice and why

A bad *record* is never an exception: it is a row with a reason (`schemas.reasons`).
"""


class WeftError(Exception):
    """Base of every deliberate failure."""


class ConfigError(WeftError):
    """A recipe or command has an unknown key, a missing key or a value out of range."""


class InputError(WeftError):
    """An input path is missing, empty, or holds something else than it should."""


class OutputError(WeftError):
    """The output folder cannot be written, or belongs to something else."""


class ModelUnavailable(WeftError):
    """A model that the recipe names is not on this machine and cannot be fetched."""


class SchemaMismatch(WeftError):
    """A table's columns differ from the declared ones."""


class BooksDoNotBalance(WeftError):
    """In one step and unit, rows in differ from rows out plus rows dropped."""


class StepFailed(WeftError):
    """A step of the flow could not be finished."""
