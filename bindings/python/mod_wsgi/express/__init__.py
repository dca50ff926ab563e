"""mod_wsgi-express: one command from a WSGI application to a production server."""
