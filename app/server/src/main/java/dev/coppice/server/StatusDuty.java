package dev.coppice.server;

import dev.coppice.gateway.GatewayExtension;

/** Has a gateway that serves on every node write its statuses when its node begins to lead. Safe for use by many threads. */
final class StatusDuty implements Standby {
    private final GatewayExtension gateway;

    StatusDuty(GatewayExtension gateway) {
        this.gateway = gateway;
    }

    @Override
    public void open() {}

    @Override
    public void close() {
        gateway.tellAll();
    }
}
