"""Complete runs, one TOML file each."""
