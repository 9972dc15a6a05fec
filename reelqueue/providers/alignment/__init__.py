"""The times of words and mouth shapes for a cloud voice that gives none: its sound is laid beside the local voice's."""
