"""Batches: how they are made, what becomes of them, and their job."""
