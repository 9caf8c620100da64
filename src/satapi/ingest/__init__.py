"""Reading, preparing and loading items and collections."""
