"""What is found out before anything is begun: what a brief is refused for, what it will take, what this machine lacks."""
