"""Reading web archives: WARC and ARC files, whole or by pointer, local or remote, whole or damaged."""
