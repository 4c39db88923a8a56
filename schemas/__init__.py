"""What the data is: one Table for each thing that is written to disk, and the closed sets of reasons."""
