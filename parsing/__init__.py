"""What people type, read for forms, API and imports: times, days, numbers, titles and names."""
