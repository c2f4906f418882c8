"""Suites of Great Expectations: read from their JSON without it, and run by it where nothing else can."""
