/**
 * Apache Kafka as a provider. A topic for each tenant holds its events; a group is a consumer group, a shard a partition, and what is
 * settled ahead of the committed offset is written down beside it.
 */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.kafka;
