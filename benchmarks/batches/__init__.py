"""Batches, measured: how well they use the machine, what a project costs in a long queue, and who waits for whom."""
