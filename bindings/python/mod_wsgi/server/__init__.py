"""Where the httpd module of this Python lies, and where `runmodwsgi` was before."""
