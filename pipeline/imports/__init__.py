"""Released corpora as archives that `weft run` reads: OBELICS, mmc4, MINT-1T, outputs of img2dataset."""
