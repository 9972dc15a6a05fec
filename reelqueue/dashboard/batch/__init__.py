"""A batch, looked at: its grid, its forecast, the files that batches are made of."""
