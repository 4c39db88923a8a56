"""The sample: a crawl drawn by code from a seed, a loopback server for its images, a tiny CLIP."""
