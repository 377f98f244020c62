"""Where the cluster, its socket and its locks live, and as which user PostgreSQL runs.

Usually all is in ``<data folder>/postgres``. Two things may force a part elsewhere:

* PostgreSQL refuses to run as root, so it runs as an unprivileged user then. Where that user may not reach the data
  folder (a checkout below a private /root), the cluster lives in ``/var/lib/stageboard``. A small file in the data
  folder says where, so removing the data folder never brings an old database back.
* The path of a Unix socket may have 107 bytes. Where the data folder's path is longer, the socket is put in a private
  folder below ``/tmp`` that is named after it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.binaries import MAJOR, installation
from portal.embedded.errors import EmbeddedPostgresError

SYSTEM_FOLDER = Path("/var/lib/stageboard")
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107
ACCOUNTS = ("stageboard", "nobody")
"""Users that PostgreSQL may run as when we are root, the first that exists."""


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL runs as; ``None`` for both where it is simply ours."""

    uid: int | None
    gid: int | None

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class Places:
    """The folders of one embedded PostgreSQL.

    ``home`` holds locks, logs and state and belongs to whoever runs us; cluster and socket belong to ``account``.
    """

    home: Path
    cluster: Path
    socket_folder: Path
    account: Account
    programs: Path

    @property
    def socket(self) -> Path:
        return self.socket_folder / SOCKET_NAME

    @property
    def lock(self) -> Path:
        """Held exclusively by the one supervisor."""
        return self.home / "supervisor.lock"

    @property
    def users(self) -> Path:
        """Held, shared, by every process that uses the database, for as long as it lives."""
        return self.home / "users.lock"

    @property
    def state(self) -> Path:
        """What the supervisor is doing, for those who wait and for people who look."""
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        return self.home / "postgresql.log"

    @property
    def supervisor_log(self) -> Path:
        return self.home / "supervisor.log"


def settle(data_dir: Path) -> Places:
    """Make the folders of ``data_dir``'s embedded PostgreSQL (those that are not there yet) and say where they are."""
    home = data_dir / "postgres"
    root = os.geteuid() == 0
    try:
        home.mkdir(parents=True, exist_ok=True)
        if home.stat().st_uid == os.geteuid():
            # Root's folder must let PostgreSQL's user through to the cluster, which is private itself.
            home.chmod(0o711 if root else 0o700)
        elif not root:
            raise PermissionError
    except PermissionError:
        raise EmbeddedPostgresError(
            f"The data folder {data_dir} belongs to another user or may not be written. "
            "Set PORTAL_DATA_DIR to a folder of your own, or DATABASE_URL to a PostgreSQL."
        ) from None
    account = account_for(home / "cluster")
    pointer = home / "elsewhere"
    away = kept(pointer)
    if away is None and account.uid is not None and not (home / "cluster").exists() and not reachable(home, account):
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
        away = keep(pointer, SYSTEM_FOLDER / f"{data_dir.name}-{secrets.token_hex(6)}")
    if away is not None:
        # The locks stand beside the cluster, so that two copies of a data folder cannot both start it.
        home = away
        home.mkdir(mode=0o711, exist_ok=True)
        account = account_for(home / "cluster")
    return Places(
        home=home,
        cluster=home / "cluster",
        socket_folder=socket_folder(home, account),
        account=account,
        programs=programs_for(account),
    )


def mine(file: Path) -> Path:
    """Give a file that root made in another user's folder to that user, who may come back."""
    if os.geteuid() == 0:
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return file


def account_for(cluster: Path) -> Account:
    """Ourselves, unless we are root: then the cluster's owner, or an unprivileged user for a new one."""
    if os.geteuid() != 0:
        return Account(None, None)
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is no user 'stageboard' or 'nobody' to run it as. "
        "Run as an ordinary user, or set DATABASE_URL."
    )


def reachable(path: Path, account: Account) -> bool:
    """Whether ``account`` may pass through every folder down to ``path``, going by the permission bits."""
    for folder in (path, *path.parents):
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue
        bit = stat.S_IXOTH
        if found.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif found.st_gid == account.gid:
            bit = stat.S_IXGRP
        if not found.st_mode & bit:
            return False
    return True


def socket_folder(home: Path, account: Account) -> Path:
    """A private folder whose path leaves room for the socket's name. Live processes know it, so it never changes."""
    folder = home / "socket"
    if not fits(folder):
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        folder = Path("/tmp") / f"stageboard-{home.stat().st_uid}-{digest}"  # noqa: S108 (owner and mode are checked)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        account.own(folder)
    found = folder.lstat()
    owner = os.geteuid() if account.uid is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()} or found.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{folder} should be a private folder (mode 0700) of user {owner} for the database's socket, and is not. "
            "Remove it and start again."
        )
    if found.st_uid != owner:
        account.own(folder)
    return folder


def fits(folder: Path) -> bool:
    """Whether a socket in this folder can be named to the kernel."""
    return len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH


def programs_for(account: Account) -> Path:
    """The PostgreSQL installation; a copy where ``account`` may not reach the virtual environment."""
    installed = installation()
    if account.uid is None or reachable(installed / "bin", account):
        return installed
    stamp = hashlib.sha256(os.fsencode(installed)).hexdigest()[:8] + f"-{int(installed.stat().st_mtime)}"
    copy = SYSTEM_FOLDER / f"postgresql-{MAJOR}-{stamp}"
    if not copy.exists():
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
        draft = SYSTEM_FOLDER / f".{copy.name}.{os.getpid()}"
        shutil.copytree(installed, draft, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            # Another process was quicker; a folder can only be renamed over an empty one.
            shutil.rmtree(draft)
    return copy


def kept(file: Path) -> Path | None:
    """The path that a file remembers."""
    try:
        words = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return Path(words) if words else None


def keep(file: Path, path: Path) -> Path:
    """Remember ``path`` in ``file``; where another process was quicker, its path counts."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(f"{path}\n", encoding="utf-8")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return kept(file) or path
