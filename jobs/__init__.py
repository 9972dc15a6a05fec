"""Decides: the queue, the order of the stages, what follows an error."""
