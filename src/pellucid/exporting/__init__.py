"""Models for other runtimes: written, compared with torch, kept ready; the fastest here."""
