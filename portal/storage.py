"""Static files under names that carry a checksum, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Like its parent, but where ``collectstatic`` has not run (development, tests) the plain name is used."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        stored: str = self.hashed_files.get(self.hash_key(self.clean_name(name)), name)
        return stored
