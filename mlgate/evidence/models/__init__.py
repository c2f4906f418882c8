"""Where the model of a release is, what it is made of, and what it says of the tables."""
