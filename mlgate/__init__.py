"""mlgate: the gate between a trained model and production."""
