"""DRF views: the contract of every endpoint, and the twins of the hot ones."""
