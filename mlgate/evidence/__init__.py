"""Evidence: what a release lets us look at."""
