"""The folder that the truth is kept in: which installation it is, and what is refused."""

from pathlib import Path

import pytest

from reelqueue.errors import InstallationError
from storage import Paths, open_installation
from storage.installation import Mount, file_system_of, read_mounts
from storage.reserve import RESERVE_BYTES

MOUNTS = [
    Mount(Path("/"), "ext4"),
    Mount(Path("/mnt"), "ext4"),
    Mount(Path("/mnt/share"), "nfs4"),
    Mount(Path("/mnt/share/disk"), "xfs"),
    Mount(Path("/media/x"), "vfat"),
    Mount(Path("/media/x"), "fuse.sshfs"),
]


def test_an_installation_keeps_its_id(paths, tmp_path):
    first = open_installation(paths)
    again = open_installation(paths)
    other = open_installation(Paths(tmp_path / "other"))

    assert first == again != other
    assert paths.reserve.stat().st_size == RESERVE_BYTES
    assert {path.stat().st_mode & 0o777 for path in (paths.root, *paths.root.iterdir()) if path.is_dir()} == {0o700}
    assert list(paths.root.glob("*.part")) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/data", "ext4"),
        ("/mnt/share/data", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/disk/data", "xfs"),
        ("/media/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount_on_top(path, kind):
    assert file_system_of(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.glusterfs", "smbfs", "9p-not-known"])
def test_a_network_file_system_is_refused_unless_allowed(tmp_path, kind):
    paths = Paths(tmp_path / "data")

    def mounts():
        return [Mount(Path("/"), "ext4"), Mount(paths.root.parent, kind)]

    refused = kind != "9p-not-known"
    if refused:
        with pytest.raises(InstallationError) as met:
            open_installation(paths, mounts=mounts)
        assert kind in met.value.message
        assert "REELQUEUE_ALLOW_NETWORK_FS" in met.value.hint
        assert not paths.root.exists()

    assert open_installation(paths, mounts=mounts, allow_network_fs=refused)


def test_the_mount_table_of_this_machine_can_be_read(tmp_path):
    assert file_system_of(tmp_path.resolve(), read_mounts()) != ""


def test_a_mount_point_with_blanks_is_understood():
    from storage.installation import _mount  # noqa: PLC0415

    line = r"36 35 98:0 /mnt1 /media/my\040disk rw,noatime master:1 - cifs //host/share rw,errors=continue"

    assert _mount(line) == Mount(Path("/media/my disk"), "cifs")
    assert _mount("nonsense") is None


def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InstallationError) as met:
        open_installation(Paths(tmp_path / "file" / "data"))

    assert "DATA_DIR" in met.value.message
    assert met.value.hint


@pytest.mark.parametrize("body", ["", "{", "[]", '{"id": 5}', '{"id": "../x"}'])
def test_an_unreadable_id_is_never_replaced_by_a_new_one(paths, body):
    open_installation(paths)
    paths.instance_file.write_text(body)

    with pytest.raises(InstallationError):
        open_installation(paths)

    assert paths.instance_file.read_text() == body
