"""The five stages of a video, a module each."""
