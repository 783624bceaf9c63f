package ai.greentic.events.telemetry;

import io.opentelemetry.api.common.AttributeKey;

/** Attribute names: the original's, OpenTelemetry's for messaging, and our own under {@code greentic}. */
final class Names {
    static final AttributeKey<String> TENANT_ID = AttributeKey.stringKey("tenant_id");
    static final AttributeKey<String> TOPIC = AttributeKey.stringKey("topic");
    static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("provider");
    static final AttributeKey<Boolean> DLQ = AttributeKey.booleanKey("dlq");

    static final AttributeKey<String> TENANT = AttributeKey.stringKey("tenant");
    static final AttributeKey<String> KIND = AttributeKey.stringKey("kind");
    static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("outcome");

    static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("messaging.system");
    static final AttributeKey<String> OPERATION_NAME = AttributeKey.stringKey("messaging.operation.name");
    static final AttributeKey<String> OPERATION_TYPE = AttributeKey.stringKey("messaging.operation.type");
    static final AttributeKey<String> DESTINATION = AttributeKey.stringKey("messaging.destination.name");
    static final AttributeKey<String> TEMPLATE = AttributeKey.stringKey("messaging.destination.template");
    static final AttributeKey<String> SUBSCRIPTION = AttributeKey.stringKey("messaging.destination.subscription.name");
    static final AttributeKey<String> GROUP = AttributeKey.stringKey("messaging.consumer.group.name");
    static final AttributeKey<String> MESSAGE_ID = AttributeKey.stringKey("messaging.message.id");
    static final AttributeKey<Long> BATCH = AttributeKey.longKey("messaging.batch.message_count");
    static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

    static final AttributeKey<Long> ATTEMPT = AttributeKey.longKey("greentic.attempt");
    static final AttributeKey<Long> ATTEMPTS = AttributeKey.longKey("greentic.attempts");
    static final AttributeKey<Long> REFUSED = AttributeKey.longKey("greentic.refused");
    static final AttributeKey<Long> DELAY_MS = AttributeKey.longKey("greentic.delay_ms");

    private Names() {}
}
