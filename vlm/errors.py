"""Every error the trainer raises on purpose.

* TrainerError
  x PresetError       a preset's parts do not fit, or a key is unknown: fix the preset
  x DataError         a dataset that cannot be trained on as asked (no images, say)
  x CheckpointError   a checkpoint is missing, broken, or of another preset; the message names what differs
  x LossError         the loss is not finite; the message names the documents of the batch
  x RankLost          another process of the run is gone; the message holds the command that goes on
"""


class TrainerError(Exception):
    """Base of every deliberate failure of the trainer."""


class PresetError(TrainerError):
    """A preset or an option makes no sense, or its parts do not fit together."""


class DataError(TrainerError):
    """The data cannot be trained on, or evaluated with, as asked."""


class CheckpointError(TrainerError):
    """A checkpoint is missing, broken, or belongs to another preset."""


class LossError(TrainerError):
    """The loss is not a finite number."""


class RankLost(TrainerError):
    """Another process of the run no longer answers."""
