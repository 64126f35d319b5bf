"""What `web` is asked: where the page is, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.fields import check, option


@dataclass(frozen=True, kw_only=True)
class Web:
    """A page on this machine; nobody else can reach it."""

    verb: ClassVar[str] = "web"

    port: int = option(8421, low=0, high=65535)
    """Of 127.0.0.1; 0 takes a free one."""
    megabytes: float = option(256.0, low=0, low_open=True)
    """Largest file that is taken."""
    megapixels: float = option(100.0, low=0, low_open=True)
    """Largest picture, all slices counted."""
    open: bool = option(False)
    """Show it in the browser."""

    def __post_init__(self) -> None:
        check(self)
