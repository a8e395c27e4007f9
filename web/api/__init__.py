"""The JSON API: the same nouns as the pages."""
