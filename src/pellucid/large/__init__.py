"""Pictures larger than memory: a store is denoised region by region, by one decision; killed, it goes on."""
