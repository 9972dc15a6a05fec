"""YouTube: a channel's tokens, the Data API's small calls, the resumable upload, the publisher made of them."""
