"""One project, looked at: its course, its pieces, what it takes to go on."""
