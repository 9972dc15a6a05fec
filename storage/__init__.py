"""Remembers: the truth about projects and batches, on disk.

Only this package opens a state file or builds a path to one.
"""

from storage.agreements import Agreements
from storage.batches import BatchStore
from storage.birth import Namesake
from storage.blobs import Blobs
from storage.debts import Debts
from storage.history import History
from storage.holding import Glance
from storage.installation import open_installation
from storage.lease import Lease, StateLease
from storage.ledger import Bucket, Ledger
from storage.listing import Listing, Unread
from storage.liveness import LeaseRecord, Owner
from storage.outlines import Outline
from storage.paths import Paths, ProjectFiles
from storage.projects import ProjectStore

__all__ = [
    "Agreements",
    "BatchStore",
    "Blobs",
    "Bucket",
    "Debts",
    "Glance",
    "History",
    "Lease",
    "LeaseRecord",
    "Ledger",
    "Listing",
    "Namesake",
    "Outline",
    "Owner",
    "Paths",
    "ProjectFiles",
    "ProjectStore",
    "StateLease",
    "Unread",
    "open_installation",
]
