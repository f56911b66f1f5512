"""The sandbox acquirer and its bank: a process of its own that misbehaves on request."""
