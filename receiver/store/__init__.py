"""What a receiver keeps on disk: plan, config and audio files."""
