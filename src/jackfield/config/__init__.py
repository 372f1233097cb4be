"""The configuration of a gateway: a TOML document as checked objects.

``[gateway]``, ``[webhooks]``, ``[feeds.NAME]``, ``[sinks.NAME]`` and ``[[routes]]``; what a feed's or a sink's table
may hold is said by the plugin that it names. All problems of a document are found at once and reported with their
paths. Nothing here opens a connection.
"""

from jackfield.config.cluster import ClusterConfig, ClusterOptions
from jackfield.config.connection import ConnectionOptions
from jackfield.config.dashboard import DashboardOptions, NamesOptions, ViewerOptions
from jackfield.config.difference import Changes, ConfigDifference
from jackfield.config.documents import Document, find_config, read_toml
from jackfield.config.reader import build_config, check_route, read_gateway_options, read_metrics_options
from jackfield.config.servers import MetricsOptions, ServeOptions, TokenOptions, WebhooksOptions
from jackfield.config.tables import DeliveryOptions, Feed, GatewayConfig, GatewayOptions, NamedSink, Route

__all__ = [
    "Changes",
    "ClusterConfig",
    "ClusterOptions",
    "ConfigDifference",
    "ConnectionOptions",
    "DashboardOptions",
    "DeliveryOptions",
    "Document",
    "Feed",
    "GatewayConfig",
    "GatewayOptions",
    "MetricsOptions",
    "NamedSink",
    "NamesOptions",
    "Route",
    "ServeOptions",
    "TokenOptions",
    "ViewerOptions",
    "WebhooksOptions",
    "build_config",
    "check_route",
    "find_config",
    "read_gateway_options",
    "read_metrics_options",
    "read_toml",
]
