"""The HTTP side: requests in, bytes out."""
