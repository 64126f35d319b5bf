"""Models brought into use: pruned, distilled, served. Nothing below imports it."""
