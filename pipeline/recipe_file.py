"""A recipe: one TOML file, a section for each part, read strictly into the configs that stand beside the code.

An unknown section or key is an error that lists the known ones. What can change a document is told from what cannot
by the field itself (`metadata={"operational": True}`), so the fingerprint never forgets a key.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError


def read(source: str, overrides: Sequence[str] = ()) -> tuple[str, dict[str, dict[str, Any]]]:
    """The name and the raw sections of a recipe, `section.key=value` overrides applied.

    Args:
        source: path of a TOML file, or the name of a shipped recipe (`tiny`, `obelics`, ...).
        overrides: each `section.key=value`, the value as TOML writes it; a bare word is a string.

    Raises:
        ConfigError: no such recipe, not TOML, or an override of another form.
    """
    path = Path(source)
    try:
        if not path.is_file():
            shipped = Path(str(resources.files("recipes"))) / f"{path.stem}.toml"
            if not shipped.is_file() or path.parent not in (Path(), Path("recipes")):
                raise ConfigError(f"no recipe at {source}; shipped ones: {', '.join(shipped_names())}")
            path = shipped
        raw = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"recipe {source} cannot be read: {error.strerror}") from error
    sections: dict[str, dict[str, Any]] = {}
    for name, body in raw.items():
        if not isinstance(body, dict):
            raise ConfigError(f"{source}: {name} must stand in a section, as in [text]")
        sections[name] = dict(body)
    for override in overrides:
        set_key(sections, override)
    return path.stem, sections


def shipped_names() -> list[str]:
    """The recipes that come with weft, sorted."""
    return sorted(
        Path(str(entry)).stem for entry in resources.files("recipes").iterdir() if entry.name.endswith(".toml")
    )


ConfigT = typing.TypeVar("ConfigT")


def build(config: type[ConfigT], body: Mapping[str, Any], where: str) -> ConfigT:
    """The config with the given keys, types checked; keys that are absent keep their defaults.

    Raises:
        ConfigError: unknown key, wrong type, or a value that the config itself refuses.
    """
    hints = typing.get_type_hints(config)
    # A key that is a word of Python's own (`from`) is a field with a line after it.
    known = {field.name.rstrip("_"): field.name for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    for key in body:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise ConfigError(f"{where}.{key} is unknown{hint} Known: {', '.join(known)}")
    return config(**{known[key]: _fit(hints[known[key]], value, f"{where}.{key}") for key, value in body.items()})


def document_keys(config: Any, *, thresholds: bool = True) -> dict[str, Any]:
    """The keys and values of a config that can change a document, nested configs included.

    `thresholds=False` leaves out those under which stored measures are judged (`metadata={"threshold": True}`).
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if field.metadata.get("operational") or (field.metadata.get("threshold") and not thresholds):
            continue
        value = getattr(config, field.name)
        nested = dataclasses.is_dataclass(value)
        found[field.name] = document_keys(value, thresholds=thresholds) if nested else value
    return found


def digest(facts: Any) -> str:
    """16 hex digits that stand for any JSON-like value."""
    body = json.dumps(facts, sort_keys=True, default=list)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def set_key(sections: dict[str, dict[str, Any]], override: str) -> None:
    """Apply `section.key=value` to raw sections, in place.

    Raises:
        ConfigError: it is of another form.
    """
    target, equals, text = override.partition("=")
    section, dot, key = target.strip().partition(".")
    if not (equals and dot and key):
        raise ConfigError(f"--set {override}: write section.key=value, as in --set clip.model=none")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    body = sections.setdefault(section, {})
    *outer, last = key.split(".")
    for name in outer:
        inner = body.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override}: {section}.{name} is a value, and has no keys of its own")
        body = inner
    body[last] = value


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """All keys of both; where both have one, that of `above`, and tables are laid over each other in turn."""
    found = dict(below)
    for name, value in above.items():
        one = found.get(name)
        found[name] = laid_over(one, value) if isinstance(one, dict) and isinstance(value, dict) else value
    return found


def _fit(hint: Any, value: Any, where: str) -> Any:
    """The value as the hinted type, or ConfigError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _fit_union(arguments, value, where)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return build(typing.cast("type[Any]", hint), value, where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_fit(arguments[0], item, where) for item in value)
    if origin in (dict, Mapping) or origin is getattr(typing, "Mapping", None) or hint is dict:
        if isinstance(value, Mapping):
            return {
                key: _fit(arguments[1], item, f"{where}.{key}") if arguments else item for key, item in value.items()
            }
    elif hint is Any or (origin is typing.Literal and value in arguments):
        return value
    elif hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
            return float(value)
    elif isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    elif isinstance(hint, type) and issubclass(hint, str) and isinstance(value, str) and value in list(hint):  # type: ignore[call-overload]
        return hint(value)
    name = getattr(hint, "__name__", str(hint))
    raise ConfigError(f"{where} = {value!r} must be {name}{f' {list(arguments)}' if arguments else ''}")


def _fit_union(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in options:
        return None
    if value == "none" and type(None) in options and str not in options:
        return None
    errors = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _fit(option, value, where)
        except ConfigError as error:
            errors.append(str(error))
    raise ConfigError(errors[0])
