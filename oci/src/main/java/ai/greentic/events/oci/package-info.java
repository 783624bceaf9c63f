/** Fetches packs from OCI registries into a cache by digest. */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.oci;
