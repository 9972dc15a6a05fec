"""What Prometheus and probes are told."""
