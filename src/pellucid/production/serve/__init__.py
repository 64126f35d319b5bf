"""A small HTTP service: a picture comes in, a clean one goes out; nothing that a request names is opened."""
