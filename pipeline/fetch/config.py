"""Section [fetch] of a recipe: whom we are, how fast we ask, what we take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from filters.images.decode import MAX_PIXELS
from schemas.errors import ConfigError

_OPERATIONAL: dict[str, Any] = {"operational": True}
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimit:
    """How fast a group of hosts is asked, by everybody together."""

    concurrency: int = field(default=4, metadata=_OPERATIONAL)
    """Requests at once."""
    rate: float = field(default=10.0, metadata=_OPERATIONAL)
    """Requests a second; 0 for no limit."""

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.rate < 0:
            raise ConfigError(
                f"a host limit needs concurrency >= 1 and rate >= 0, not {self.concurrency} and {self.rate}"
            )

    def divided(self, parts: int) -> HostLimit:
        """The limit of each of `parts` that ask at once; together they stay within this one, one request
        each apart."""
        return HostLimit(concurrency=max(1, self.concurrency // parts), rate=self.rate / parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How images are fetched."""

    engine: Literal["weft", "img2dataset"] = field(default="weft", metadata=_OPERATIONAL)
    """`img2dataset` asks through that package (extra `img2dataset`); it knows neither robots.txt nor host
    limits."""
    user_agent: str = field(default="weft/0.1", metadata=_OPERATIONAL)
    """Product and version; the product is the name that robots.txt and X-Robots-Tag know us by."""
    contact: str = field(default="", metadata=_OPERATIONAL)
    """URL or mail address at which a site owner reaches who runs this. The public web is not asked
    without."""
    respect_robots: bool = True
    """Honour robots.txt (RFC 9309)."""
    opt_out_directives: tuple[str, ...] = ("noai", "noimageai", "noml", "noimageindex")
    """Directives of an image's X-Robots-Tag that keep it out; a TDM reservation (tdm-reservation: 1) is with
    them."""
    block_lists: tuple[str, ...] = ()
    """Files of hosts, URLs and hashes that are neither asked nor kept (see `block_lists`)."""
    concurrency: int = field(default=64, metadata=_OPERATIONAL)
    """Requests of one task at once."""
    host: HostLimit = field(default_factory=HostLimit, metadata=_OPERATIONAL)
    """Limit of each host group (registrable domain)."""
    limits: Mapping[str, HostLimit] = field(default_factory=dict, metadata=_OPERATIONAL)
    """Limits of their own for domains, as [fetch.limits."cdn.example"]; each is a group with all its
    subdomains."""
    from_: tuple[str, ...] = field(default=(), metadata=_OPERATIONAL)
    """`from` in a recipe: folders whose images are taken first, without fetching: outputs of img2dataset, and output
    folders of earlier runs."""
    max_urls_per_host: int = 0
    """URLs of one registrable domain that are asked, those with most references first; 0: all of them."""
    slice_urls: int = field(default=1_000, metadata=_OPERATIONAL)
    """URLs of one slice: what is asked again after a crash."""
    tasks: int = field(default=0, metadata=_OPERATIONAL)
    """Tasks that ask at the same time, over which the host groups are spread; 0: as many as Spark runs at once."""
    rounds: int = field(default=3, metadata=_OPERATIONAL)
    """Rounds of one run. What was not reached in the last one is asked by the next run or by `weft fetch`."""
    round_minutes: float = field(default=60.0, metadata=_OPERATIONAL)
    """Wall-clock time of a round; what it does not reach is `deferred`."""
    expected_ok: float = field(default=0.6, metadata=_OPERATIONAL)
    """Part of the URLs that should give an image (of alt-text pairs two in three did in 2022, arXiv:2210.08402);
    below it the report says why."""
    deadline_s: float = field(default=10.0, metadata=_OPERATIONAL)
    """Seconds that one URL may take, over all its requests; waiting for its turn is not counted."""
    connect_s: float = field(default=5.0, metadata=_OPERATIONAL)
    """Seconds in which a connection must stand (name, TCP, TLS)."""
    idle_s: float = field(default=5.0, metadata=_OPERATIONAL)
    """Seconds of silence after which a request is given up."""
    retries: int = field(default=2, metadata=_OPERATIONAL)
    """Requests after the first one, where that helps: 429, 503, connect, timeout."""
    backoff_s: float = field(default=0.5, metadata=_OPERATIONAL)
    """Wait before the first retry; doubled for each further one, times 0.5 to 1.5 at random."""
    max_retry_after_s: float = field(default=30.0, metadata=_OPERATIONAL)
    """Longest Retry-After that is waited for; a server that asks for more keeps its 429 or 503 for this
    round."""
    max_redirects: int = 5
    """Redirects that are followed, each checked as a URL of its own."""
    min_bytes: int = 1
    """Least size of an answer."""
    max_bytes: int = 20_000_000
    """Greatest size of an answer, before and after its content encoding."""
    max_pixels: int = MAX_PIXELS
    """An image whose header claims more is a decode_error: it is never decoded."""
    allow_private: bool = field(default=False, metadata=_OPERATIONAL)
    """Ask private, loopback and link-local addresses too: for tests and for archives inside a network."""
    max_held_bytes: int = field(default=256 << 20, metadata=_OPERATIONAL)
    """Bytes of answers that a task holds in memory; reading pauses above it."""

    def __post_init__(self) -> None:
        positive = (
            "concurrency",
            "slice_urls",
            "rounds",
            "round_minutes",
            "deadline_s",
            "connect_s",
            "idle_s",
            "max_bytes",
            "max_pixels",
        )
        for name in (*positive, "max_held_bytes"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"fetch.{name}={getattr(self, name)} must be over 0")
        for name in (
            "max_urls_per_host",
            "tasks",
            "retries",
            "backoff_s",
            "max_retry_after_s",
            "max_redirects",
            "min_bytes",
        ):
            if getattr(self, name) < 0:
                raise ConfigError(f"fetch.{name}={getattr(self, name)} must be at least 0")
        if self.min_bytes > self.max_bytes:
            raise ConfigError(f"fetch.min_bytes={self.min_bytes} must be at most max_bytes={self.max_bytes}")
        if not self.agent or any(ord(c) < 32 or ord(c) > 126 for c in self.user_agent + self.contact):
            raise ConfigError("fetch.user_agent must be a product name as in weft/0.1, in printable ASCII")

    @property
    def agent(self) -> str:
        """The product token by which robots.txt names us, in lower case."""
        return self.user_agent.partition("/")[0].strip().lower()

    @property
    def user_agent_line(self) -> str:
        """The User-Agent header."""
        return f"{self.user_agent} (+{self.contact})" if self.contact else self.user_agent

    def limit_of(self, group: str) -> HostLimit:
        """The limit of a host group."""
        return self.limits.get(group, self.host)

    def check_contact(self) -> None:
        """Raise ConfigError where the public web would be asked without a contact."""
        if self.contact or self.allow_private or _proxy_is_loopback():
            return
        raise ConfigError(
            "fetch.contact is empty: site owners must be able to reach you. Set it to a URL or a mail "
            'address, as in --set fetch.contact="https://example.org/crawl"'
        )


def _proxy_is_loopback() -> bool:
    """Whether the environment sends requests to a proxy on this machine, which is no public web."""
    proxies = [urlsplit(os.environ[name]).hostname or "" for name in _PROXY_VARIABLES if os.environ.get(name)]
    return bool(proxies) and all(host == "localhost" or host.startswith("127.") for host in proxies)
