"""Who may come in, and how far: each request passes here first."""
