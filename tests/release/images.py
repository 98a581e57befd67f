"""Pins the images of the compose file and the Dockerfile by digest: python -m tests.release.images.

Asks each image's registry for the digest of its version (Registry HTTP API V2), verifies that the content has it, and
writes it behind the version. Changes nothing if one of the registries cannot be asked.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "exporter/Dockerfile")
OWN = "kpi-exporter"
"""The image that is built here, so that no registry has a digest of it."""
HUB = "registry-1.docker.io"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""An index first: its digest stands for the image on every platform."""
IMAGE = re.compile(r"((?:^ +image: |^ARG \w+_IMAGE=))([\w./:-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?$", re.MULTILINE)


class PinningError(Exception):
    """Why the digest of an image is not known."""


@dataclass(frozen=True)
class Image:
    """An image by its registry, repository and version."""

    registry: str
    repository: str
    version: str

    @classmethod
    def parse(cls, name: str) -> Image:
        """As Docker reads it: without a registry it is on Docker Hub, without a folder it is an official one."""
        path, _, version = name.rpartition(":")
        first, slash, rest = path.partition("/")
        if slash and ("." in first or ":" in first):
            return cls(first, rest, version)
        return cls(HUB, path if slash else f"library/{path}", version)


class Registries:
    """Asks registries for digests. `addresses` has URLs for registries that are not at https://NAME."""

    def __init__(self, client: httpx.Client, addresses: Mapping[str, str]) -> None:
        self._client = client
        self._addresses = addresses

    def digest(self, name: str) -> str:
        """The digest of an image's version; raises PinningError."""
        image = Image.parse(name)
        base = self._addresses.get(image.registry, f"https://{image.registry}")
        url = f"{base}/v2/{image.repository}/manifests/{image.version}"
        try:
            response = self._manifest(url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PinningError(f"{image.registry} could not be asked: {error}") from None
        if response.status_code != 200:
            raise PinningError(f"{image.registry} answers {response.status_code} for {name}")
        if response.headers.get("content-type", "").partition(";")[0] not in MANIFESTS:
            raise PinningError(f"{image.registry} answers for {name} with something else than a manifest")
        computed = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
        if response.headers.get("docker-content-digest", computed) != computed:
            raise PinningError(f"{image.registry} sends content for {name} that does not have the digest it names")
        return computed

    def _manifest(self, url: str) -> httpx.Response:
        """The manifest, with a token if the registry asks for one."""
        accept = {"Accept": ", ".join(MANIFESTS)}
        response = self._client.get(url, headers=accept)
        challenge = response.headers.get("www-authenticate", "")
        if response.status_code != 401 or not challenge.lower().startswith("bearer "):
            return response
        return self._client.get(url, headers=accept | {"Authorization": f"Bearer {self._token(challenge)}"})

    def _token(self, challenge: str) -> str:
        """A token from the service that the challenge names, for what it names."""
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        answer = self._client.get(fields.pop("realm", ""), params=fields).raise_for_status()
        try:
            content = answer.json()
            return str(content.get("token") or content["access_token"])
        except (ValueError, KeyError, AttributeError):
            raise PinningError(f"{answer.url.host} issues no token") from None


def pin(root: Path, registries: Registries) -> dict[str, str]:
    """Writes the digests into the files, and returns them by image. Raises PinningError before it changes any file."""
    texts = {root / name: (root / name).read_text(encoding="utf-8") for name in FILES}
    names = {match[2] for text in texts.values() for match in IMAGE.finditer(text)}
    digests = {name: registries.digest(name) for name in sorted(names) if not name.startswith(f"{OWN}:")}

    def with_digest(match: re.Match[str]) -> str:
        digest = digests.get(match[2])
        return f"{match[1]}{match[2]}@{digest}" if digest else match[0]

    for path, text in texts.items():
        path.write_text(IMAGE.sub(with_digest, text), encoding="utf-8")
    return digests


def main(root: Path, addresses: Mapping[str, str]) -> int:
    """Pins the images and says what became of each; 1 if a registry could not be asked."""
    try:
        with httpx.Client(timeout=30, follow_redirects=True) as client:
            digests = pin(root, Registries(client, addresses))
    except PinningError as error:
        sys.stderr.write(f"no image was pinned: {error}\n")
        return 1
    sys.stdout.write("".join(f"{name}@{digest}\n" for name, digest in digests.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(ROOT, dict(argument.split("=", 1) for argument in sys.argv[1:])))
