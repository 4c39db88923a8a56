"""The loader measured: fill, speed beside other loaders, resume, kernel."""
