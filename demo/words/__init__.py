"""The words of the sample, one text file a language, and the little grammar that puts a picture into words."""
