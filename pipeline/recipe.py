"""What a recipe says, section by section; each section is the config that stands beside the code it configures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from filters import clip, decontaminate, language, minhash, nsfw, page_lists
from filters import text as text_filters
from filters.image_urls import UrlRules
from filters.images import decontaminate as evaluation_images
from filters.images import heads
from filters.images.rules import Rules as ImageRules
from filters.text import Config as TextConfig
from filters.text.personal_data import Config as PersonalDataConfig
from pipeline import assemble, dedup_documents, dedup_images, dedup_with_images, earlier_runs, session, write_shards
from pipeline.archive.config import Config as ReadConfig
from pipeline.extract import Config as ExtractConfig
from pipeline.fetch.config import Config as FetchConfig
from pipeline.recipe_file import build, digest, document_keys, read
from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A complete run: which pages, texts and images are kept, and how the work is done."""

    name: str
    raw: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The sections as written, overrides applied."""
    read_warc: ReadConfig = field(default_factory=ReadConfig)
    page_urls: page_lists.Config = field(default_factory=page_lists.Config)
    extract: ExtractConfig = field(default_factory=ExtractConfig)
    personal_data: PersonalDataConfig = field(default_factory=PersonalDataConfig)
    language: language.Config = field(default_factory=language.Config)
    text: TextConfig = field(default_factory=TextConfig)
    decontaminate: decontaminate.Config = field(default_factory=decontaminate.Config)
    minhash: minhash.Config = field(default_factory=minhash.Config)
    dedup: dedup_documents.Config = field(default_factory=dedup_documents.Config)
    image_urls: UrlRules = field(default_factory=UrlRules)
    fetch: FetchConfig = field(default_factory=FetchConfig)
    images: ImageRules = field(default_factory=ImageRules)
    nsfw: nsfw.Config = field(default_factory=nsfw.Config)
    nsfw_head: heads.Config = field(default_factory=heads.Config)
    watermark: heads.Config = field(default_factory=heads.Config)
    aesthetic: heads.Config = field(default_factory=heads.Config)
    decontaminate_images: evaluation_images.Config = field(default_factory=evaluation_images.Config)
    dedup_images: dedup_images.Config = field(default_factory=dedup_images.Config)
    dedup_with_images: dedup_with_images.Config = field(default_factory=dedup_with_images.Config)
    clip: clip.Config = field(default_factory=clip.Config)
    assemble: assemble.Config = field(default_factory=assemble.Config)
    shard: write_shards.Config = field(default_factory=write_shards.Config)
    spark: session.Config = field(default_factory=session.Config)

    def facts(self, section: str) -> Any:
        """What of a section, or of one key ("minhash.width"), can change a document; a model counts by its content."""
        return self._facts(section, thresholds=True)

    def measured(self, section: str) -> Any:
        """The same without thresholds: what can change a measure."""
        return self._facts(section, thresholds=False)

    def _facts(self, section: str, *, thresholds: bool) -> Any:
        section, _, key = section.partition(".")
        config = getattr(self, section)
        content = _CONTENT.get(section)
        if key in ("model", "path") and content:
            return content(config)
        if key:
            return document_keys(config)[key]
        return [document_keys(config, thresholds=thresholds), content(config) if content else None]

    @property
    def fingerprint(self) -> str:
        """16 hex digits over every key that can change a document."""
        return digest({section: self.facts(section) for section in SECTIONS})

    @property
    def stamp(self) -> str:
        """What stands in each document: name and fingerprint."""
        return f"{self.name}@{self.fingerprint}"


SECTIONS = tuple(f.name for f in dataclasses.fields(Recipe) if f.name not in ("name", "raw"))


def load(source: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe at a path or of a shipped name, with `section.key=value` overrides.

    Raises:
        ConfigError: unknown section or key, wrong type or value; models are checked by `check_models`.
    """
    name, sections = read(source, overrides)
    return from_sections(name, sections)


def from_sections(name: str, sections: dict[str, dict[str, Any]]) -> Recipe:
    """The recipe that the raw sections say; see `load`."""
    for section in sections:
        if section not in SECTIONS:
            raise ConfigError(f"recipe {name} has no section [{section}]; sections: {', '.join(SECTIONS)}")
    types = {f.name: type(getattr(_DEFAULTS, f.name)) for f in dataclasses.fields(Recipe)}
    built = {section: build(types[section], body, section) for section, body in sections.items()}
    recipe = Recipe(name=name, raw=sections, **built)
    recipe.dedup_with_images.check(recipe.minhash)
    return recipe


def check_models(recipe: Recipe) -> None:
    """Raise before anything starts, where a model or list that the recipe names cannot be had or may not be used.

    Raises:
        ModelUnavailable, InputError, ConfigError: names which and why.
    """
    language.check(recipe.language)
    text_filters.check(recipe.text)
    page_lists.load(recipe.page_urls.blocklists)
    decontaminate.load(recipe.decontaminate)
    earlier_runs.check(recipe.dedup.against, recipe.minhash)
    nsfw.check(recipe.nsfw)
    for section in ("nsfw_head", "watermark", "aesthetic"):
        heads.check(getattr(recipe, section), section, recipe.name)
    evaluation_images.fingerprint(recipe.decontaminate_images)
    clip.check(recipe.clip, recipe.name)


_CONTENT: dict[str, Callable[[Any], Any]] = {
    "text": text_filters.fingerprint,
    "clip": clip.fingerprint,
    "nsfw": nsfw.fingerprint,
    "nsfw_head": heads.fingerprint,
    "watermark": heads.fingerprint,
    "aesthetic": heads.fingerprint,
    "decontaminate_images": evaluation_images.fingerprint,
    "language": language.fingerprint,
    "page_urls": page_lists.fingerprint,
    "decontaminate": decontaminate.fingerprint,
    "dedup": lambda config: earlier_runs.fingerprint(config.against),
}
"""What stands for the model that a section names."""

_DEFAULTS = Recipe(name="")
