"""A rollout explained in numbers: as text, as JSON, and as a page with plots. Pure: records in, text out."""
