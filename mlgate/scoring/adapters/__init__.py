"""What runs in the child: one file for each format of a model. None of them imports mlgate."""
