"""All that a plugin author imports, by module; the package itself exports nothing.

========================== =========================================================================================
for every plugin
========================== =========================================================================================
`hooks`                    `hookimpl`, and the hooks by which a plugin offers what it has
`options`                  how an option of a table is described and validated
`secrets`                  secrets in options, and texts without them
========================== =========================================================================================

========================== =========================================================================================
for a provider
========================== =========================================================================================
`provider`                 `Provider` and `ProviderSpec`, the dialect (translation of topics), the endpoint, the plan
`protocol`                 the state machine of one connection, and the actions that it returns
`frames`                   JSON frames into structs, payloads into objects
`http`                     exchanges by HTTP without I/O: logins, backfills, what a command asks
`diagnosis`                what it can tell ``jackfield doctor`` of its vendor
`webhook`                  how the vendor's webhooks are read
`simulator`                a server of the vendor's to test against
========================== =========================================================================================

========================== =========================================================================================
for others
========================== =========================================================================================
`sink`                     `Sink` and `SinkSpec`: where events are delivered
`command`                  a command of the plugin's own, ``jackfield NAME …``
`contact_format`           a contact in a form of others, by ``GET /v1/contacts/…``
========================== =========================================================================================

An observer needs `hooks` and `jackfield.reports`; the event and its address are in `jackfield.events` and
`jackfield.addresses`, and every exception is in `jackfield.errors`.
"""
