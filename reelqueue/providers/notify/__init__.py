"""How people are told: by a command of the operator's, by mail."""
