package ai.greentic.events.runner;

/**
 * What is wrong with an install, by kind and not by the words of a message.
 *
 * @param install which one
 * @param code what kind of problem
 * @param message says more; holds no secret
 */
public record InstallDiagnostic(InstallKey install, Code code, String message) {
    /** Kinds of problems. */
    public enum Code {
        /** A setting that it refers to is not there. */
        MISSING_CONFIG("MissingConfig"),
        /** A secret that it refers to is not there. */
        MISSING_SECRET("MissingSecret"),
        /** The record says something that cannot be. */
        MALFORMED_INSTALL("MalformedInstall"),
        /** The provider could not be started with it. */
        PROVIDER_INIT_FAILED("ProviderInitFailed"),
        /** Nobody here can play its provider. */
        PROVIDER_NOT_FOUND("ProviderNotFound"),
        /** Its subscriptions could not be brought up to date. */
        SUBSCRIPTION_SYNC_FAILED("SubscriptionSyncFailed");

        private final String word;

        Code(String word) {
            this.word = word;
        }

        /** The word of the original. */
        public String word() {
            return word;
        }
    }
}
