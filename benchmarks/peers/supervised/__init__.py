"""Two of our workers under the project's own supervisor."""
