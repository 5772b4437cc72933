"""Where numbers come from: pods' own pages, Prometheus-compatible APIs, other services. No threshold stands here."""
