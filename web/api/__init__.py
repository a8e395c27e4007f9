"""The JSON API, with the same nouns as the pages."""
