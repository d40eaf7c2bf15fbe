"""HTTP: the server's edge, problems, tokens, and the client. The one home of httpx."""
