"""The embedded PostgreSQL: one per data folder, there while it is used, well again after every accident."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import EmbeddedPostgresError, cluster, places, postmaster
from portal.embedded.client import supervised
from portal.embedded.probe import Answer, ask
from tests.ops.conftest import DatabaseUser, eventually, open_folder, put_away, query


@pytest.fixture(scope="module")
def used_folder() -> Iterator[Path]:
    """One data folder for the tests that only need some cluster; each leaves it stopped or running, but whole."""
    folder = open_folder()
    user = DatabaseUser(folder)
    user.connect()
    user.leave()
    yield folder
    put_away(folder)


def pid_of(folder: Path) -> int | None:
    """The running PostgreSQL of a data folder."""
    found = postmaster.running(places.settle(folder))
    return found.pid if found else None


def test_two_processes_starting_at_once_share_one_private_server(used_folder: Path) -> None:
    first, second = DatabaseUser(used_folder), DatabaseUser(used_folder)
    entry, other = first.connect(), second.connect()
    assert entry == other
    assert query(entry, "SHOW server_version_num")[0][0] >= "180000"
    assert query(entry, "SHOW listen_addresses") == [("",)]
    settled = places.settle(used_folder)
    for folder in (settled.cluster, settled.socket_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid != 0
    first.leave()
    assert ask(settled.socket) is Answer.READY
    second.leave()


def test_it_stops_when_its_last_user_is_gone_even_by_kill_9(used_folder: Path) -> None:
    user = DatabaseUser(used_folder)
    user.connect()
    assert pid_of(used_folder)
    user.kill()
    settled = places.settle(used_folder)
    eventually(lambda: not supervised(settled))
    assert pid_of(used_folder) is None
    assert not (settled.cluster / "postmaster.pid").exists()


def test_killed_postgresql_comes_back_with_its_data(used_folder: Path) -> None:
    user = DatabaseUser(used_folder)
    entry = user.connect()
    query(entry, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    killed = pid_of(used_folder)
    assert killed
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: query(entry, "SELECT answer FROM kept")) == [(42,)]
    assert pid_of(used_folder) != killed
    user.leave()


def test_a_killed_supervisor_is_replaced_without_disturbing_the_database(used_folder: Path) -> None:
    first = DatabaseUser(used_folder)
    first.connect()
    settled = places.settle(used_folder)
    server = pid_of(used_folder)
    os.kill(json.loads(settled.state.read_text())["supervisor"], signal.SIGKILL)
    eventually(lambda: not supervised(settled))

    second = DatabaseUser(used_folder)
    second.connect()

    assert supervised(settled)
    assert pid_of(used_folder) == server
    first.kill()
    second.kill()
    eventually(lambda: pid_of(used_folder) is None)


def test_a_postmaster_pid_that_names_a_live_foreign_process_fools_nobody(used_folder: Path) -> None:
    put_to_rest(used_folder)
    settled = places.settle(used_folder)
    foreign = subprocess.Popen(["sleep", "60"])
    try:
        words = f"{foreign.pid}\n{settled.cluster}\n1795828050\n5432\n{settled.socket_folder}\n"
        for file in (settled.cluster / "postmaster.pid", settled.socket.with_name(settled.socket.name + ".lock")):
            file.write_text(words)
        user = DatabaseUser(used_folder)
        assert query(user.connect(), "SELECT 1") == [(1,)]
        user.leave()
        assert foreign.poll() is None, "the foreign process is left alone"
    finally:
        foreign.kill()
        foreign.wait()


def test_a_server_that_cannot_start_is_explained_by_its_own_words(used_folder: Path) -> None:
    put_to_rest(used_folder)
    config = places.settle(used_folder).cluster / "postgresql.conf"
    before = config.read_text()
    config.write_text(before + "\nshared_buffers = 'a lot'\n")
    user = DatabaseUser(used_folder)
    with pytest.raises(AssertionError, match='invalid value for parameter "shared_buffers"'):
        user.connect()
    config.write_text(before)


def test_a_half_made_data_folder_is_set_aside_and_made_anew(data_dir: Path) -> None:
    half = places.settle(data_dir).cluster
    (half / "global").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (half / "postmaster.pid").write_text(f"{os.getpid()}\n{half}\n")
    half.with_name("cluster-draft").mkdir()

    user = DatabaseUser(data_dir)

    assert query(user.connect(), "SELECT 1") == [(1,)]
    user.leave()
    aside = list(half.parent.glob("cluster-half-made-*"))
    assert [(folder / "PG_VERSION").exists() for folder in aside] == [True]
    assert (half / cluster.MARK).exists()


@pytest.mark.usefixtures("as_root")
def test_root_below_a_private_folder_with_a_long_path_finds_other_places(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / ("a-long-name-" * 8)
    settled = places.settle(folder)
    try:
        user = DatabaseUser(folder)
        entry = user.connect()
        assert query(entry, "SELECT 1") == [(1,)]
        assert settled.cluster.is_relative_to(places.SYSTEM_FOLDER)
        user.leave()
    finally:
        put_away(folder)
        shutil.rmtree(settled.home)


def test_a_socket_path_that_is_too_long_is_replaced_by_a_short_private_one(data_dir: Path) -> None:
    home = data_dir / ("a-long-name-" * 8)
    home.mkdir()
    folder = places.socket_folder(home, places.Account(None, None))
    try:
        assert places.fits(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert places.socket_folder(home, places.Account(None, None)) == folder
        folder.chmod(0o755)
        with pytest.raises(EmbeddedPostgresError, match="should be a private folder"):
            places.socket_folder(home, places.Account(None, None))
    finally:
        folder.rmdir()


@pytest.mark.usefixtures("as_root")
def test_root_and_an_ordinary_user_work_one_after_the_other_in_folders_of_their_own(data_dir: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None or "site-packages" in python:
        pytest.skip("no Python that another user may run")
    someone = pwd.getpwnam("daemon")
    theirs = data_dir / "theirs"
    theirs.mkdir()
    os.chown(theirs, someone.pw_uid, someone.pw_gid)
    probe = [python, "-c", "import pathlib, sys; sys.exit(not pathlib.Path(sys.argv[1]).exists())", __file__]
    if subprocess.run(probe, user=someone.pw_uid, check=False, cwd="/").returncode:
        pytest.skip("the checkout lies where an ordinary user may not read it")
    user = DatabaseUser(theirs, uid=someone.pw_uid, python=python)
    assert query(user.connect(), "SELECT 1") == [(1,)]
    assert places.settle(theirs).cluster.stat().st_uid == someone.pw_uid
    user.leave()

    root = DatabaseUser(theirs)
    assert query(root.connect(), "SELECT 2") == [(2,)]
    root.leave()
    put_to_rest(theirs)

    again = DatabaseUser(theirs, uid=someone.pw_uid, python=python)
    assert query(again.connect(), "SELECT 3") == [(3,)]
    again.leave()
    put_to_rest(theirs)


def put_to_rest(folder: Path) -> None:
    """Wait until the folder's PostgreSQL has stopped."""
    from portal.embedded import stop_when_unused

    assert stop_when_unused(folder)
