"""What people type: times, days, numbers, titles and names. Forms, API and imports read all of them here."""
