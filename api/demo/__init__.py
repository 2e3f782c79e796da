"""The made-up families that `./gongji run` loads into an empty ledger."""
