"""CQL2: one tree for everything that restricts a search, and its meaning."""
