"""Files to files: pictures, sound and video; no network, no state."""
