"""The local voice: Kokoro-82M in Chinese and English, in child processes, with the times of its words and mouth shapes."""
