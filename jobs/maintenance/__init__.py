"""Maintenance: quotas, what was interrupted, what may go, and a ping."""
