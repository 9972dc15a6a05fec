"""The local twins: no key, no network, deterministic.  Not mocks: they are what a newcomer runs first."""
