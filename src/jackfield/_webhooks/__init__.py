"""The HTTP server that receives vendors' webhooks."""
