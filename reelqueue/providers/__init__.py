"""What goes over the network, and the local twin of it; chosen by a setting."""
