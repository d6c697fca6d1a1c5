"""Whether the UAPI can be served over HTTPS with the certificate and key of the settings."""

import ssl

from config.settings import Http


def tls_failure(http: Http) -> str | None:
    """What is wrong with the certificate or its key, None if nothing or if there are none."""
    if http.tls_certificate is None or http.tls_key is None:
        return None
    try:
        for file in (http.tls_certificate, http.tls_key):
            file.open().close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(http.tls_certificate, http.tls_key)
    except ssl.SSLError as error:
        files = f"{http.tls_certificate} and {http.tls_key}"
        return f"{files} are no certificate and its key (PEM): {error.reason}"
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    return None
