"""open_clip, imported without what would litter the machine of whoever runs it.

open_clip imports timm, and timm imports wandb where that is installed (img2dataset brings it). wandb makes two folders
for temporary files as it is imported, and deletes them as the interpreter ends. Spark ends its workers otherwise: each
worker that scored images would leave two folders for ever. Nothing of ours uses wandb.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import Any

_lock = threading.Lock()


def import_open_clip() -> ModuleType:
    """The module `open_clip`."""
    modules: dict[str, Any] = sys.modules  # None stands for a module that is not to be had
    with _lock:
        hides = "wandb" not in modules and "timm" not in modules
        if hides:
            modules["wandb"] = None
        try:
            import open_clip
        finally:
            if hides:
                del modules["wandb"]
    found: ModuleType = open_clip
    return found
