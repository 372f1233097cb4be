"""What the vendors' simulators share: a contact centre's day, and a websocket server to show it on."""
