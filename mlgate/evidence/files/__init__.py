"""Bytes: where the files of a release may lie, how they are taken, and what they are."""
