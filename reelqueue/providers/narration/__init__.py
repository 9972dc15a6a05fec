"""What is told, whoever writes it: its blocks and sentences, how long they take, segments of 5-20 s, what it is published with."""
