"""A person changes a script: read and refused by field, priced, and put in the place of the one that was written."""
