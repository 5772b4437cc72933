"""Garbage collection: `graph` knows who owns whom, `plan` decides, `controller` is the loop."""
