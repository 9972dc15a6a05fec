"""Drawn by us: palettes, type, layouts, the presenter, the thumbnail; from a SceneSpec to layers; pure."""
