"""What the first page tells: how things stand, and what needs a person."""
