"""A brief as it comes over HTTP: a form, and the files that it may name."""
