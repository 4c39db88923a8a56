"""What we think of an image: find out what it is, decode it safely, measure it once, judge it, write it for
a shard.

Read in this order: `header` (format and size from the first bytes), `jpeg` (markers), `decode` (pixels, or a
reason), `measures` (numbers from one decode), `rules` (thresholds), `shard_bytes` (what a shard stores).
"""
