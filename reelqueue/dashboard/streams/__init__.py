"""What moves on open pages: what is heard, and how it is sent."""
