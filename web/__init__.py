"""Shows, and is told: the pages, the API, sign-in."""
