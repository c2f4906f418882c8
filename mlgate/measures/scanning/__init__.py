"""What is in the bytes of a model, found without loading any of it."""
