"""The benchmark: one protocol for data, noise, runs, scores, tables and pages."""
