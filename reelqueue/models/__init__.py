"""What things are: plain frozen data, with no I/O and no clock."""
