"""The pages, the JSON API and sign-in."""
