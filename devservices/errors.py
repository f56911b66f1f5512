"""The ways in which a stack can fail to start."""

from __future__ import annotations


class StackError(Exception):
    """Something the person at the terminal has to know; shown without a traceback."""


class BinaryMissing(StackError):
    """No usable server binary was found in any of the places we look."""


class UntrustedPath(StackError):
    """A directory we would use belongs to, or can be written by, somebody else."""


class ProgramFailed(StackError):
    """A program of the stack keeps dying or does not become ready; the message ends with its log."""
