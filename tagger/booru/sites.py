"""The sites: where they answer, how they page, where their pictures lie, who asks.

Credentials come from the environment alone: DANBOORU_LOGIN and DANBOORU_API_KEY, E621_LOGIN and
E621_API_KEY. A mirror, or a test, is named by DANBOORU_URL and DANBOORU_FILES_URL, and so for e621.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlencode, urlsplit

from ..errors import OptionError

Size = Literal["original", "sample", "preview"]
SAMPLED = 850
"""Pixels of width over which the sites have a sample of a picture."""


@dataclass(frozen=True)
class Site:
    """A booru that answers `/posts.json`.

    page: the most posts of an answer. ratings: the letters it has. three: whether `s` is safe.
    places: for each size the picture's path below the files' address, of md5 and ext.
    """

    name: str
    address: str
    files: str
    page: int
    ratings: tuple[str, ...]
    three: bool
    places: Mapping[Size, str]

    def posts_url(self, tags: str, before: int | None, limit: int = 0) -> str:
        """The address of a page: the newest posts of a query, or those before an id.

        It has `limit` posts, or as many as the site gives.
        """
        query = {"tags": tags, "limit": str(limit or self.page)}
        if before is not None:
            query["page"] = f"b{before}"
        return f"{self._from_environment('URL', self.address)}/posts.json?{urlencode(query)}"

    def posts(self, answer: object) -> list[dict[str, Any]]:
        """The posts of a page's JSON; none where it is of another shape."""
        found = answer.get("posts") if isinstance(answer, dict) else answer
        if not isinstance(found, list):
            return []
        return [one for one in cast("list[Any]", found) if isinstance(one, dict)]

    def picture_url(self, md5: str, extension: str, size: Size) -> str:
        """Where a picture lies, by the rule of its md5."""
        place = self.places[size].format(a=md5[:2], b=md5[2:4], md5=md5, ext=extension)
        return f"{self._from_environment('FILES_URL', self.files)}/{place}"

    def owns(self, url: str) -> bool:
        """Whether an address that a dump gives is one of the site's own."""
        host = urlsplit(url).hostname or ""
        known = {urlsplit(self._from_environment("FILES_URL", self.files)).hostname}
        domain = ".".join(self.address.split("//")[1].split(".")[-2:])
        return host in known or host == domain or host.endswith(f".{domain}")

    def credentials(self) -> tuple[str, str] | None:
        """Login and key, where both are set."""
        login = self._from_environment("LOGIN", "")
        key = self._from_environment("API_KEY", "")
        return (login, key) if login and key else None

    def _from_environment(self, what: str, otherwise: str) -> str:
        return os.environ.get(f"{self.name.upper()}_{what}", otherwise).rstrip("/")


SITES: Mapping[str, Site] = {
    "danbooru": Site(
        "danbooru", "https://danbooru.donmai.us", "https://cdn.donmai.us", 200,
        ("g", "s", "q", "e"), False,
        {"original": "original/{a}/{b}/{md5}.{ext}", "sample": "sample/{a}/{b}/sample-{md5}.jpg",
         "preview": "360x360/{a}/{b}/{md5}.jpg"},
    ),
    "e621": Site(
        "e621", "https://e621.net", "https://static1.e621.net", 320, ("s", "q", "e"), True,
        {"original": "data/{a}/{b}/{md5}.{ext}", "sample": "data/sample/{a}/{b}/{md5}.jpg",
         "preview": "data/preview/{a}/{b}/{md5}.jpg"},
    ),
}  # fmt: skip


def site_of(name: str) -> Site:
    """The site of a name. Raises OptionError, naming those there are."""
    if name not in SITES:
        raise OptionError(f"expected a site, {' or '.join(SITES)}, got {name!r}")
    return SITES[name]
