/** Spans and metrics on the OpenTelemetry API, under the names of the Rust original and of OpenTelemetry's messaging conventions. */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.telemetry;
