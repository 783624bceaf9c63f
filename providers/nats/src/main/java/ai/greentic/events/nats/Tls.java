package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSettings;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyManagementException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Encrypted connections from PEM texts. The client itself believes a trusted certificate whatever host it was made for; the sockets of this
 * context compare it with the host that was asked for, as HTTPS does (RFC 2818).
 */
final class Tls {
    private static final Pattern SCHEME = Pattern.compile("(^|,)\\s*(tls|opentls|wss)://");
    private static final Pattern PRIVATE_KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    private static final char[] NO_PASSWORD = new char[0];

    private Tls() {}

    /** The context for these settings; empty if they ask for no encryption. */
    static Optional<SSLContext> context(ProviderSettings settings) {
        Optional<String> trusted = settings.text("trusted_certificates");
        Optional<String> certificate = settings.text("certificate");
        boolean asked = SCHEME.matcher(settings.text("url").orElse("")).find();
        if (!asked && trusted.isEmpty() && certificate.isEmpty()) {
            return Optional.empty();
        }
        if (certificate.isPresent() != settings.text("certificate_key").isPresent()) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "certificate and certificate_key go together; set both or neither");
        }
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(
                    certificate.isEmpty()
                            ? null
                            : keys(
                                    certificate.get(),
                                    settings.text("certificate_key").orElseThrow()),
                    trusted.isEmpty() ? null : trust(trusted.get()),
                    null);
            return Optional.of(new NamedHosts(context));
        } catch (GeneralSecurityException | IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "TLS cannot be set up with these certificates: " + e.getMessage(),
                    e);
        }
    }

    private static TrustManager[] trust(String pem) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        int number = 0;
        for (Certificate one : certificates("trusted_certificates", pem)) {
            store.setCertificateEntry("trusted" + number++, one);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyManager[] keys(String chain, String key) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                "own",
                privateKey(key),
                NO_PASSWORD,
                certificates("certificate", chain).toArray(new Certificate[0]));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static Collection<? extends Certificate> certificates(String setting, String pem)
            throws GeneralSecurityException {
        Collection<? extends Certificate> found = List.of();
        GeneralSecurityException why = null;
        try {
            found = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
        } catch (java.security.cert.CertificateException e) {
            why = e;
        }
        if (found.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    setting
                            + " holds no certificate that can be read; it must be PEM, with lines -----BEGIN CERTIFICATE-----"
                            + " (file:PATH reads a file)",
                    why);
        }
        return found;
    }

    private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        Matcher found = PRIVATE_KEY.matcher(pem);
        if (found.find()) {
            PKCS8EncodedKeySpec spec =
                    new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(found.group(1)));
            for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(spec);
                } catch (InvalidKeySpecException another) {
                    // One of the next ones, perhaps.
                }
            }
        }
        throw new EventsException(
                ErrorCode.INVALID_CONFIGURATION,
                "certificate_key holds no private key that can be read; it must be PEM in PKCS #8, without password, with a line"
                        + " -----BEGIN PRIVATE KEY----- (openssl pkcs8 -topk8 -nocrypt makes one of other forms)");
    }

    /** A context whose sockets accept a certificate only of the host that they were asked to reach. */
    private static final class NamedHosts extends SSLContext {
        NamedHosts(SSLContext context) {
            super(new Spi(context), context.getProvider(), context.getProtocol());
        }
    }

    private static final class Spi extends SSLContextSpi {
        private final SSLContext context;

        Spi(SSLContext context) {
            this.context = context;
        }

        @Override
        protected void engineInit(
                KeyManager @Nullable [] keys, TrustManager @Nullable [] trust, @Nullable SecureRandom random)
                throws KeyManagementException {
            context.init(keys, trust, random);
        }

        @Override
        protected SSLSocketFactory engineGetSocketFactory() {
            return new Sockets(context.getSocketFactory());
        }

        @Override
        protected SSLServerSocketFactory engineGetServerSocketFactory() {
            return context.getServerSocketFactory();
        }

        @Override
        protected SSLEngine engineCreateSSLEngine() {
            return context.createSSLEngine();
        }

        @Override
        protected SSLEngine engineCreateSSLEngine(String host, int port) {
            return context.createSSLEngine(host, port);
        }

        @Override
        protected SSLSessionContext engineGetServerSessionContext() {
            return context.getServerSessionContext();
        }

        @Override
        protected SSLSessionContext engineGetClientSessionContext() {
            return context.getClientSessionContext();
        }
    }

    private static final class Sockets extends SSLSocketFactory {
        private final SSLSocketFactory factory;

        Sockets(SSLSocketFactory factory) {
            this.factory = factory;
        }

        private static Socket named(Socket socket) {
            if (socket instanceof SSLSocket secure) {
                SSLParameters parameters = secure.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                secure.setSSLParameters(parameters);
            }
            return socket;
        }

        @Override
        public String[] getDefaultCipherSuites() {
            return factory.getDefaultCipherSuites();
        }

        @Override
        public String[] getSupportedCipherSuites() {
            return factory.getSupportedCipherSuites();
        }

        @Override
        public Socket createSocket(Socket socket, String host, int port, boolean autoClose) throws IOException {
            return named(factory.createSocket(socket, host, port, autoClose));
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            return named(factory.createSocket(host, port));
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
            return named(factory.createSocket(host, port, local, localPort));
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            return named(factory.createSocket(host, port));
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
            return named(factory.createSocket(host, port, local, localPort));
        }
    }
}
