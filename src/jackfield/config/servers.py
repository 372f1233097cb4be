"""The tables of the HTTP servers of a gateway."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.plugin.options import field_help, host_and_port, is_url

__all__ = ["MetricsOptions", "WebhooksOptions"]


def _host_and_port(_instance: Any, _attribute: Any, value: str | None) -> None:
    if value is not None:
        host_and_port(value)


@attrs.frozen
class WebhooksOptions:
    """The ``[webhooks]`` table: the HTTP server that receives the vendors' webhooks."""

    listen: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=field_help('where webhooks are received, such as "127.0.0.1:8080"; a feed\'s path is /webhooks/NAME'),
    )
    tls_cert: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the certificate to receive webhooks over TLS", path=True)
    )
    tls_key: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the key of tls_cert, if it is in another file", path=True)
    )

    public_url: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(is_url("http", "https")),
        metadata=field_help("where vendors send to, without the path, if a proxy is in front; some sign the URL"),
    )
    embedded: bool = attrs.field(
        default=False,
        metadata=field_help("webhooks are given to gateway.post() by the program around it, so nothing need listen"),
    )

    def __attrs_post_init__(self) -> None:
        for name in ("tls_cert", "tls_key"):
            if getattr(self, name) is not None and self.listen is None:
                raise ValueError(f"{name} needs listen, the address to listen on")
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key needs tls_cert, the certificate that it is the key of")


@attrs.frozen
class MetricsOptions:
    """The ``[metrics]`` table: the HTTP server for Prometheus and for probes."""

    listen: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=field_help('where /metrics, /healthz and /readyz are served, such as "127.0.0.1:9464"'),
    )
