"""Stands before the project's own on the path of the supervisor's children."""

from benchmarks.peers.reelqueue import BenchWorker as VideoWorker

__all__ = ["VideoWorker"]
