"""One module for each page of the menu: what it shows, and what its buttons do."""
