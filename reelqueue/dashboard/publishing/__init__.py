"""What is published when, what quota it takes, and what was spent."""
