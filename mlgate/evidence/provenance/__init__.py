"""Where a model comes from, as it can be measured: the repository, the lock file, the data, the command."""
