"""Gemini: scripts, pictures and voices by the Gemini Developer API."""
