package ai.greentic.events.bus;

/** Something that configures a bus: a pack, settings, a set of defaults. */
@FunctionalInterface
public interface BusConfigurer {
    /** Adds to the builder. Reports what is wrong through {@link EventBusBuilder#problem} rather than by throwing. */
    void configure(EventBusBuilder builder);
}
