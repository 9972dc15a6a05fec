"""D-ID: a photograph that speaks a part of the narration."""
