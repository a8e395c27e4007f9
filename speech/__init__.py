"""Text to speech: how Vietnamese text is read aloud, and the engines that speak it."""
