"""Every error the loader raises on purpose.

* LoaderError
  x LoaderConfigError   what was asked for makes no sense: fix the configuration
  x DatasetError        a dataset is missing, broken, or not what its manifest says
      x TokenTableMissing   the tokenizer needs a token table; the message holds the command that makes it
      x DatasetChanged      the manifest was replaced while the loader was running
      x ShardLost           a shard cannot be read, after all retries
  x ResumeError         a state does not belong to this configuration; the message names what differs
  x TooManyFaults       more images or documents were bad than the configuration allows

A single bad image or document is never an exception: it is masked, counted and logged (`vlm.loader.faults`).
"""


class LoaderError(Exception):
    """Base of every deliberate failure of the loader."""


class LoaderConfigError(LoaderError):
    """A value of the configuration is out of range, or two of them contradict each other."""


class DatasetError(LoaderError):
    """A dataset is missing, broken, or not what its manifest says."""


class TokenTableMissing(DatasetError):
    """Planning needs the token counts of each node, and the table that holds them is not there."""


class DatasetChanged(DatasetError):
    """The manifest on disk is not the one that the loader opened."""


class ShardLost(DatasetError):
    """A shard, or its index, cannot be read."""


class ResumeError(LoaderError):
    """A state belongs to another seed, dataset, tokenizer or budget."""


class TooManyFaults(LoaderError):
    """Too many bad images or documents, as a share or in a row."""
