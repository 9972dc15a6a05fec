"""Remembers: the truth about projects and batches, on disk.

Only this package opens a state file or builds a path to one.
"""

from storage.batches import BatchStore
from storage.blobs import Blobs
from storage.lease import Lease, StateLease
from storage.liveness import LeaseRecord, Owner
from storage.paths import Paths, ProjectFiles
from storage.projects import ProjectStore

__all__ = ["BatchStore", "Blobs", "Lease", "LeaseRecord", "Owner", "Paths", "ProjectFiles", "ProjectStore", "StateLease"]
